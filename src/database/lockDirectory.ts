import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Another process has the embedded database open. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError'
}

/**
 * Takes a directory for this process alone, and for as long as it lives: two processes on one embedded database would
 * destroy it. The owner listens on a socket that the operating system closes with it, so a killed owner holds nothing
 * and a reused process id deceives nobody. The lock file names that socket; it is made by `link`, which only one of
 * several newcomers can win, and a dead owner's file is moved away first, which too only one can.
 *
 * @returns a function that gives the directory back
 * @throws DirectoryInUseError
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const file = join(resolve(directory), 'lock')
  const name = `annul-${randomUUID()}`
  const address = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`)
  const server = createServer(socket => socket.end())
  await new Promise<void>((done, failed) => server.once('error', failed).listen(address, done))
  server.unref()

  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, address, { mode: 0o600 })
  try {
    await placeLock(draft, file, directory)
  } catch (error) {
    await new Promise(done => server.close(done))
    throw error
  } finally {
    await rm(draft, { force: true })
  }
  return async () => {
    await rm(file, { force: true })
    await new Promise(done => server.close(done))
  }
}

async function placeLock(draft: string, file: string, directory: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const placed = await link(draft, file).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false
        throw error
      },
    )
    if (placed) return
    if (await isAlive(await read(file))) break
    const grave = `${draft}.dead`
    const moved = await rename(file, grave).then(
      () => true,
      () => false,
    )
    // Between the look and the move a third process may have taken the directory: then it gets its file back.
    if (moved && (await isAlive(await read(grave)))) await link(grave, file).catch(() => {})
    await rm(grave, { force: true })
  }
  throw new DirectoryInUseError(
    `Another process uses the embedded database in ${directory}. It serves one process: stop that one, or set DATABASE_URL to a PostgreSQL server.`,
  )
}

function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}

function isAlive(address: string): Promise<boolean> {
  if (address === '') return Promise.resolve(false)
  return new Promise(done => {
    const socket = connect(address)
    socket.once('connect', () => done(socket.destroy() !== undefined))
    socket.once('error', () => done(false))
  })
}
