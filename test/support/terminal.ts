import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll } from '@jest/globals'
import { until } from './until.ts'

/** Whether there is the `script` of util-linux, which runs a program in a pseudo-terminal. */
export const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
)

const root = fileURLToPath(new URL('../..', import.meta.url))
const running = new Set<ChildProcess>()

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** `annul` at a terminal, and the one who sits there. */
export interface Terminal {
  /** All that the terminal has shown so far. */
  shown(): string
  /** Waits until it shows this. */
  sees(text: string | RegExp): Promise<void>
  /** Types, as fast as a machine can. */
  type(text: string): void
  /** @returns the exit status */
  ended(): Promise<number | null>
}

/** What Ctrl+C sends. */
export const ctrlC = '\x03'

export function startAtTerminal(args: readonly string[], env: Record<string, string>): Terminal {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  const command = [process.execPath, 'dist/main.js', ...args].map(word => `'${word}'`).join(' ')
  // Of what the program writes, only the log goes elsewhere: nobody could read the terminal beside it.
  const child = spawn('script', ['-qec', `exec ${command} 2>/dev/null`, '/dev/null'], {
    cwd: root,
    env: { PATH, HOME, TERM: 'xterm', ...(TMPDIR !== undefined && { TMPDIR }), ...env },
    stdio: 'pipe',
  })
  running.add(child)
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
  })
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(([status]): number | null => {
    running.delete(child)
    return status
  })
  return {
    shown: () => shown,
    sees: async text => {
      await until(
        () => shown,
        () => (typeof text === 'string' ? shown.includes(text) : text.test(shown)),
        60_000,
      )
    },
    type: text => child.stdin.write(text),
    ended: () => ended,
  }
}
