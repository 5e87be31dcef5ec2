import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Answer, type Ask, withControlPath } from './controlSocket.ts'
import { CommandError } from './explain.ts'
import { version } from './version.ts'

/**
 * Has the running server perform a task.
 *
 * @param bytes what the task reads beside its input
 * @param say takes each line for the operator
 * @returns false when no server listens on the socket
 * @throws CommandError with the server's message when the task failed; or the error of the bytes
 */
export async function askRunningServer(
  dataDir: string,
  { task, input }: Omit<Ask, 'version'>,
  bytes: AsyncIterable<Uint8Array>,
  say: (line: string) => void,
): Promise<boolean> {
  const socket = await withControlPath(dataDir, connectTo).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return undefined
    throw error
  })
  if (socket === undefined) return false
  const ask: Ask = { version, task, input }
  socket.write(`${JSON.stringify(ask)}\n`)
  let unreadable: unknown
  const source = Readable.from(bytes).on('error', error => {
    unreadable = error
  })
  // Where the server ends first, its last answer says why.
  const sending = pipeline(source, socket).catch(() => {})
  try {
    for await (const text of createInterface({ input: socket })) {
      const answer: Answer = JSON.parse(text)
      if ('line' in answer) say(answer.line)
      else if (answer.error === undefined) return true
      else throw new CommandError(answer.error, answer.status)
    }
  } finally {
    socket.destroy()
    await sending
  }
  if (unreadable !== undefined) throw unreadable
  throw new CommandError(
    'The running server ended before it answered. Check whether the command was carried out.',
  )
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((done, failed) => {
    const socket = connect(path)
    socket.once('error', failed)
    socket.once('connect', () => {
      // A later error of the socket only ends the lines.
      socket.off('error', failed).on('error', () => {})
      done(socket)
    })
  })
}
