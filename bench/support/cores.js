import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'

/*
 * The server has one core for itself; PostgreSQL, the load and this process share the others. Where that can't be
 * arranged (one core, or no `taskset`), everything runs everywhere and the results say so.
 */

const all = allowedCores()

/** Which cores a part of the bench runs on; undefined: wherever the system puts it. */
export const cores =
  all.length >= 2
    ? { server: all.slice(0, 1).join(), rest: all.slice(1).join(), all: all.join() }
    : { server: undefined, rest: undefined, all: undefined }

export const pinned = cores.server !== undefined

/** Moves this process to its place. What it starts from now on, PostgreSQL among it, is born there. */
export function takePlace() {
  if (pinned) execFileSync('taskset', ['-a', '-c', '-p', cores.rest, String(process.pid)])
}

/** The command that starts Node on these cores, for `fork`. */
export function nodeOn(where) {
  const list = cores[where]
  return list === undefined
    ? { execPath: process.execPath, execArgv: [] }
    : { execPath: 'taskset', execArgv: ['-c', list, process.execPath] }
}

/** How long the server's core has worked since it was started, for whomever; undefined where the server has none. */
export function busySeconds() {
  if (!pinned) return undefined
  const { user, nice, sys, irq } = cpus()[Number(cores.server)].times
  return (user + nice + sys + irq) / 1000
}

/** The cores that we may use, which in a container need not begin with 0: "0-2,5" is [0, 1, 2, 5]. */
function allowedCores() {
  try {
    const answer = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' })
    return answer
      .slice(answer.lastIndexOf(':') + 1)
      .trim()
      .split(',')
      .flatMap(range => {
        const [first, last = first] = range.split('-').map(Number)
        return Array.from({ length: last - first + 1 }, (_, index) => first + index)
      })
  } catch {
    return []
  }
}
