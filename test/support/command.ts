import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll } from '@jest/globals'
import { type Client, createClient, noteSecrets } from './client.ts'
import { variable } from './database.ts'

/** The exit status and the output of a process that has ended. */
export interface Ended {
  /** The exit status; null after a signal. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  /** The output so far. */
  readonly output: { readonly stdout: string; readonly stderr: string }
  readonly ended: Promise<Ended>
}

/** A node in a process of its own, with a client for it. */
export interface NodeProcess extends Running, Client {
  readonly url: string
  /** Sends a signal, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const running = new Set<ChildProcess>()

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

export function newSecret(): string {
  const secret = randomBytes(32).toString('base64')
  noteSecrets(secret)
  return secret
}

/**
 * Starts `annul` with these settings and no others. Its output also goes to the log that is searched for secrets.
 *
 * @param input what it reads from standard input; a stream stays open until it is ended
 */
export function spawnAnnul(
  args: readonly string[],
  env: Record<string, string>,
  input: string | Readable = '',
): Running {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  const child = spawn(process.execPath, ['dist/main.js', ...args], {
    cwd: root,
    env: { PATH, HOME, ...(TMPDIR !== undefined && { TMPDIR }), ...env },
    stdio: 'pipe',
  })
  running.add(child)
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      appendFileSync(variable('TEST_LOG'), text)
    })
  child.stdin.on('error', () => {})
  Readable.from(input).pipe(child.stdin)
  const ended = once(child, 'close').then(([status]): Ended => {
    running.delete(child)
    return { status, ...output }
  })
  return { process: child, output, ended }
}

/** Runs `annul` to its end. */
export function annul(args: readonly string[], env: Record<string, string>, input?: string): Promise<Ended> {
  return spawnAnnul(args, env, input).ended
}

/** Tests sign in often, from one address. In production the limits can't be turned off. */
function noLimits({ NODE_ENV }: Record<string, string>): Record<string, string> {
  return NODE_ENV === 'production' ? {} : { ANNUL_LIMITS: 'off' }
}

/** Starts a node on a free port, as `npm start` does, and waits until it says that it is ready. */
export async function startNode(env: Record<string, string>): Promise<NodeProcess> {
  const started = spawnAnnul([], { PORT: '0', ANNUL_LEASE_MS: '500', ...noLimits(env), ...env })
  const { process: child, output, ended } = started
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const ready = output.stdout.match(/^Annul is ready at (http:\S+)\/graphql\n/m)?.[1]
      if (ready) resolve(ready)
    }
    child.stdout?.on('data', look)
    void ended.then(({ status, stderr }) => reject(new Error(`The node ended (${status}): ${stderr}`)))
  })
  return {
    ...started,
    ...createClient(url),
    url,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}
