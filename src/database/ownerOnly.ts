import { chmod, mkdir, stat } from 'node:fs/promises'

/**
 * Makes a folder that nobody but its owner may enter. A folder that is there already is closed to all others: it may
 * have been made by hand, restored from an archive, or made by a version that left it open.
 *
 * @throws Node's error when the folder belongs to another user, or can't be made
 */
export async function makeOwnFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await closeToOthers(path)
}

/** Takes from everybody but the owner what they may do with a file or folder. */
export async function closeToOthers(path: string): Promise<void> {
  const { mode } = await stat(path)
  // Windows knows no such rights, and shows these bits for every file.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) await chmod(path, mode & 0o700)
}
