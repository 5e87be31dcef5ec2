import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { freePort } from './freePort.js'
import { until } from './until.ts'

/** A real Redis on a free port, in a directory of its own. */
export interface TestRedis {
  readonly port: number
  readonly url: string
  readonly dir: string
  /** Sends one command over a connection of its own. @throws Error as Redis answers it */
  command(...words: readonly (string | number)[]): Promise<unknown>
  /** The value of a key, or null. */
  get(key: string): Promise<string | null>
  /** Every key, with its value and its life in milliseconds; -1: for ever. */
  all(): Promise<Record<string, { value: string; lifeMs: number }>>
  pause(): void
  resume(): void
  /** SIGKILL: what was not written to a file is lost. */
  kill(): Promise<void>
  /** Starts the server again, on its port and in its directory. */
  start(): Promise<void>
  close(): Promise<void>
}

const running = new Set<ChildProcess>()
// For the tools. Jest's sandbox never emits this event.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * @param flags of redis-server, such as `--appendonly yes`; default: nothing is written to a file
 * @param env variables of the server
 */
export async function startRedis(
  flags: readonly string[] = [],
  port?: number,
  env: Readonly<Record<string, string>> = {},
): Promise<TestRedis> {
  const own = port ?? (await freePort())
  const dir = mkdtempSync(join(tmpdir(), 'annul-redis-'))
  let child: ChildProcess | undefined
  let ended: Promise<unknown> = Promise.resolve()

  const command: TestRedis['command'] = async (...words) => {
    const client = createClient({
      socket: { host: '127.0.0.1', port: own, reconnectStrategy: false },
      RESP: 2,
    })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(words.map(String))
    } finally {
      client.destroy()
    }
  }
  const kill = async () => {
    child?.kill('SIGKILL')
    await ended
  }
  const redis: TestRedis = {
    port: own,
    url: `redis://127.0.0.1:${own}`,
    dir,
    command,
    async get(key) {
      return (await command('GET', key)) as string | null
    },
    async all() {
      const keys = (await command('KEYS', '*')) as string[]
      const found = await Promise.all(
        keys.sort().map(async key => {
          const [value, lifeMs] = await Promise.all([redis.get(key), command('PTTL', key)])
          return [key, { value: String(value), lifeMs: Number(lifeMs) }] as const
        }),
      )
      return Object.fromEntries(found)
    },
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    kill,
    async start() {
      const settings = ['--port', String(own), '--dir', dir, '--bind', '127.0.0.1']
      // The server loads nothing but its own file, and no file of the machine.
      const started = spawn('redis-server', [...settings, '--save', '', ...flags], {
        stdio: 'ignore',
        env: { PATH: process.env.PATH, ...env },
      })
      child = started
      running.add(started)
      ended = once(started, 'exit').then(() => running.delete(started))
      started.on('error', error => {
        throw new Error('The tests need redis-server: apt-get install redis-server', { cause: error })
      })
      await until(
        () => command('PING').catch(() => false),
        answer => answer === 'PONG',
      )
    },
    async close() {
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  await redis.start()
  return redis
}
