import { randomUUID } from 'node:crypto'
import { rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * The path of a socket has about 100 bytes at most. A folder with a longer path is reached by a short symbolic link,
 * which is removed afterwards.
 *
 * @param dir the folder that holds the socket, as an absolute path
 * @param use is given a path to the same folder, of at most 50 bytes where the folder of temporary files is short
 */
export async function byShortPath<T>(dir: string, use: (short: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(dir) < 50) return use(dir)
  const short = join(tmpdir(), `annul-${randomUUID().slice(0, 13)}`)
  await symlink(dir, short)
  try {
    return await use(short)
  } finally {
    await rm(short, { force: true })
  }
}
