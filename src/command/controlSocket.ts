import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { byShortPath } from '../database/byShortPath.ts'

/*
 * The embedded database serves one process. So that the operator need not stop the server for every command, the server
 * performs the commands. It listens on a socket in the data directory, in a folder that only its own user may enter.
 * That is the whole authentication: a user who can open the folder can read the database's files as well.
 *
 * The command sends one line of JSON, an Ask, then the bytes that the task reads, if any, and ends its side. The server
 * answers with lines of JSON, each an Answer; the last one has the status.
 */

/** What the command sends. Both sides must be of one version, so the input needs no format of its own. */
export interface Ask {
  readonly version: string
  /** The task's name. */
  readonly task: string
  /** The task's input. May hold a password, so it is never logged. */
  readonly input: unknown
}

/** A line for the operator, or the end: the exit status, and the error's message where the status is not 0. */
export type Answer = { readonly line: string } | { readonly status: number; readonly error?: string }

/** The folder of the socket. On Windows, where pipes have a name space of their own, it holds the pipe's name. */
export function controlFolder(dataDir: string): string {
  return join(resolve(dataDir), 'control')
}

export const pipeFile = 'pipe'

/** @param use is given the path that `net` listens on or connects to */
export async function withControlPath<T>(dataDir: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = controlFolder(dataDir)
  if (process.platform === 'win32') return use(await readFile(join(folder, pipeFile), 'utf8'))
  return byShortPath(folder, short => use(join(short, 'socket')))
}
