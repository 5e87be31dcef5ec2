import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { byShortPath } from './byShortPath.ts'

/** Another process has the embedded database open. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError'
}

/**
 * Takes a directory for this process alone, until the process ends: two processes on one embedded database would
 * destroy it. The owner listens on a socket that the operating system closes with the process. So a killed owner holds
 * nothing, and a reused process id is not taken for the owner. The socket lies in the directory itself: in /tmp a
 * cleaner could delete it, and a process in a container or under systemd's PrivateTmp has another /tmp.
 *
 * The files `lock.1`, `lock.2`, … name the sockets of one owner after the other. A process that finds the newest owner
 * dead makes the next file, which only one of several processes can. The newest file is never deleted. So a slow
 * process, which made a file anew whose number had been deleted meanwhile, sees a higher number afterwards, and starts
 * over.
 *
 * @returns a function that gives the directory back
 * @throws DirectoryInUseError
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const dir = resolve(directory)
  const { server, address } = await listen(dir)
  const draft = join(dir, `draft-${randomUUID()}`)
  const giveUp = async () => {
    await new Promise(done => server.close(done))
    await forget(dir, address)
  }
  try {
    await writeFile(draft, address, { mode: 0o600 })
    if (!(await take(dir, draft)))
      throw new DirectoryInUseError(
        `Another process uses the embedded database in ${directory}. It serves one process: stop that one, or set DATABASE_URL to a PostgreSQL server.`,
      )
  } catch (error) {
    await giveUp()
    throw error
  } finally {
    await rm(draft, { force: true })
  }
  return giveUp
}

/** @returns whether this process owns the directory now */
async function take(dir: string, draft: string): Promise<boolean> {
  for (;;) {
    const before = await numbers(dir)
    const newest = before.at(-1) ?? 0
    if (newest > 0 && (await isAlive(dir, await addressIn(dir, newest)))) return false
    const mine = newest + 1
    if (!(await linked(draft, lockFile(dir, mine)))) continue
    if ((await numbers(dir)).at(-1) !== mine) {
      await rm(lockFile(dir, mine), { force: true })
      continue
    }
    for (const old of before) {
      await forget(dir, await addressIn(dir, old))
      await rm(lockFile(dir, old), { force: true })
    }
    return true
  }
}

function lockFile(dir: string, number: number): string {
  return join(dir, `lock.${number}`)
}

/** The numbers of the lock files, in ascending order. */
async function numbers(dir: string): Promise<number[]> {
  const found = (await readdir(dir)).map(name => name.match(/^lock\.(\d{1,15})$/)?.[1])
  return found
    .filter(number => number !== undefined)
    .map(Number)
    .sort((one, other) => one - other)
}

/** Empty when a newer owner has just deleted the file, or when a crash of the machine has left the file without text. */
async function addressIn(dir: string, number: number): Promise<string> {
  const text = await readFile(lockFile(dir, number), 'utf8').catch(unless('ENOENT', ''))
  return text.includes('\0') ? '' : text
}

function linked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(() => true, unless('EEXIST', false))
}

function unless<T>(code: string, value: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code !== code) throw error
    return value
  }
}

/** An address is a file name in the directory, or an absolute path where the directory's file system has no sockets. */
async function listen(dir: string): Promise<{ server: Server; address: string }> {
  const name = `owner-${randomUUID()}`
  if (process.platform === 'win32') return listenOn(`\\\\.\\pipe\\annul-${name}`)
  try {
    const { server } = await byShortPath(dir, short => listenOn(join(short, name)))
    return { server, address: name }
  } catch {
    return listenOn(join(tmpdir(), `annul-${name}`))
  }
}

function listenOn(address: string): Promise<{ server: Server; address: string }> {
  const server = createServer(socket => socket.end()).unref()
  return new Promise((done, failed) =>
    server.once('error', failed).listen(address, () => done({ server, address })),
  )
}

/** Whether an owner lives; in doubt, yes. Only a socket that is gone or has no listener means that it is dead. */
async function isAlive(dir: string, address: string): Promise<boolean> {
  if (address === '') return false
  const connects = (path: string) =>
    new Promise<boolean>(done => {
      const socket = connect(path)
      socket.once('connect', () => done(socket.destroy() !== undefined))
      socket.once('error', (error: NodeJS.ErrnoException) =>
        done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
      )
    })
  return isAbsolute(address) ? connects(address) : byShortPath(dir, short => connects(join(short, address)))
}

/** Removes a socket that has no listener any more. */
async function forget(dir: string, address: string): Promise<void> {
  if (address !== '' && process.platform !== 'win32')
    await rm(isAbsolute(address) ? address : join(dir, address), { force: true })
}
