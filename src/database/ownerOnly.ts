import { chmod, mkdir, stat } from 'node:fs/promises'

/**
 * Makes a folder that only its owner may enter. An existing folder is closed to all others, too: it may have been made
 * by hand, restored from an archive, or made by a version that left it open.
 *
 * @throws Node's error when the folder belongs to another user, or can't be made
 */
export async function makeOwnFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await closeToOthers(path)
}

/** Takes all rights to a file or folder from everybody but its owner. */
export async function closeToOthers(path: string): Promise<void> {
  const { mode } = await stat(path)
  // Windows knows no such rights, and shows these bits for every file.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) await chmod(path, mode & 0o700)
}
