import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { makeOwnFolder } from '../database/ownerOnly.ts'
import type { Log } from '../log.ts'
import { type Answer, type Ask, controlFolder, pipeFile, withControlPath } from './controlSocket.ts'
import { CommandError, explain } from './explain.ts'
import type { Task, TaskParts } from './task.ts'
import { version } from './version.ts'

/** More than any input of a task. */
const maxBytes = 65_536
/** How long the command may take to send its one line. */
const askMs = 5000

export interface ControlServer {
  /** Accepts nothing new, and waits for the tasks that have begun; ends those that still read. */
  close(): Promise<void>
}

/**
 * Performs tasks for the command. To be opened by the process that holds the data directory's lock.
 *
 * @param tasks the tasks that the command may ask for
 */
export async function openControlServer(
  dataDir: string,
  tasks: readonly Task<never>[],
  parts: TaskParts & { log: Log },
): Promise<ControlServer> {
  const folder = controlFolder(dataDir)
  const running = new Set<Promise<void>>()
  const waiting = new Set<Socket>()
  const reading = new Set<Socket>()

  const perform = async (line: string, socket: Socket) => {
    const answer = (part: Answer) => {
      // A command that was interrupted reads nothing any more; its task goes on.
      if (socket.writable) socket.write(`${JSON.stringify(part)}\n`)
    }
    const ask = readAsk(line)
    const task = tasks.find(({ name }) => name === ask?.task)
    let end: { status: number; error?: string } = { status: 0 }
    try {
      if (ask === undefined) throw new CommandError('The running server does not understand this command.')
      if (ask.version !== version)
        throw new CommandError(
          `The running server is Annul ${version}, this command is Annul ${ask.version}. Use the same version, or stop the server.`,
        )
      if (task === undefined) throw new CommandError('The running server does not know this command.')
      // Both sides are of one version, so the input has this task's type.
      await task.run(parts, ask.input as never, text => answer({ line: text }), bytesOf(socket))
    } catch (error) {
      const { text, status } = explain(error)
      end = { status, error: text }
    }
    parts.log.info({ command: task?.name, status: end.status }, 'A command was performed.')
    answer(end)
    // What the task left is read away: the socket closes when both sides have ended.
    socket.end().resume()
  }

  /** What follows the ask. The socket is not closed at the end of the bytes, because the answer goes through it. */
  async function* bytesOf(socket: Socket): AsyncGenerator<Uint8Array> {
    reading.add(socket)
    try {
      yield* socket.iterator({ destroyOnReturn: false })
    } finally {
      reading.delete(socket)
    }
  }

  // Half open: a command ends its side, and then waits for the answer.
  const server = createServer({ allowHalfOpen: true }, socket => {
    waiting.add(socket)
    socket.setTimeout(askMs, () => waiting.has(socket) && socket.destroy())
    socket.on('error', () => {}).on('close', () => waiting.delete(socket))
    socket.on('end', () => waiting.has(socket) && socket.destroy())
    let bytes = Buffer.alloc(0)
    const readAskLine = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\n')
      if (end > maxBytes || (end < 0 && bytes.length > maxBytes)) return void socket.destroy()
      if (end < 0) return
      waiting.delete(socket)
      // What follows is for the task, which may read it later or not at all.
      socket.off('data', readAskLine).pause()
      if (end + 1 < bytes.length) socket.unshift(bytes.subarray(end + 1))
      const line = bytes.subarray(0, end).toString()
      const task = perform(line, socket).finally(() => running.delete(task))
      running.add(task)
    }
    socket.on('data', readAskLine)
  })

  // A server that was killed may have left its socket. That server is dead: its lock was free.
  await rm(folder, { recursive: true, force: true })
  await makeOwnFolder(folder)
  if (process.platform === 'win32')
    await writeFile(join(folder, pipeFile), `\\\\.\\pipe\\annul-control-${randomUUID()}`, { mode: 0o600 })
  await withControlPath(dataDir, path => listen(server, path))

  return {
    async close() {
      server.close()
      // A task that reads may read for long. It fails as it does when its command is killed.
      for (const socket of [...waiting, ...reading]) socket.destroy()
      await Promise.allSettled(running)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, failed) => server.once('error', failed).listen(path, done))
}

function readAsk(line: string): Ask | undefined {
  try {
    const ask: unknown = JSON.parse(line)
    if (typeof ask !== 'object' || ask === null) return undefined
    const { version, task, input } = ask as Record<string, unknown>
    return typeof version === 'string' && typeof task === 'string' ? { version, task, input } : undefined
  } catch {
    return undefined
  }
}
