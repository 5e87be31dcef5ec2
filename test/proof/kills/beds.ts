import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'

/** Annul's own process on a database, which outlives the process. */
export interface Bed {
  start(): Promise<Node>
  /** Reads the rows while no process is running. Each text is one condition. */
  ask(conditions: readonly string[]): Promise<boolean[]>
  readonly admin: { readonly email: string; readonly password: string }
  close(): Promise<void>
}

export interface Node {
  readonly url: string
  kill(): Promise<void>
}

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
const admin = { email: 'admin@example.com', password: 'a password of an admin' }

export function openPostgresBed(databaseUrl: string): Bed {
  const env = { DATABASE_URL: databaseUrl, ...settings() }
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  return {
    admin: createAdmin(env),
    start: () => startNode(env),
    ask: async conditions => {
      const [row] = await sql.unsafe(asOneRow(conditions))
      return booleansOf(row)
    },
    close: () => sql.end(),
  }
}

export function openEmbeddedBed(dataDir: string): Bed {
  const env = { ANNUL_DATA_DIR: dataDir, ...settings() }
  return {
    admin: createAdmin(env),
    start: () => startNode(env),
    ask: async conditions => {
      // In a process of its own: PGlite keeps some of the memory that it had.
      const reader = fileURLToPath(new URL('askEmbedded.js', import.meta.url))
      const output = execFileSync(process.execPath, [reader, dataDir], {
        input: asOneRow(conditions),
        encoding: 'utf8',
      })
      return booleansOf(JSON.parse(output))
    },
    close: async () => {},
  }
}

function settings(): Record<string, string> {
  return {
    PORT: '0',
    ANNUL_LEASE_MS: '500',
    ANNUL_SECRET: randomBytes(32).toString('base64'),
    ANNUL_LIMITS: 'off',
    ANNUL_LOG_LEVEL: 'silent',
    // Nobody listens there: mails stay in the outbox, where they can be counted.
    ANNUL_SMTP_URL: 'smtp://127.0.0.1:1',
  }
}

function createAdmin(env: Record<string, string>): Bed['admin'] {
  const args = [main, 'create-user', '--email', admin.email, '--roles', 'admin']
  execFileSync(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    input: `${admin.password}\n`,
  })
  return admin
}

async function startNode(env: Record<string, string>): Promise<Node> {
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit')
  let errors = ''
  child.stderr.on('data', data => {
    errors += data
  })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const ready = /^Annul is ready at (.*)\/graphql$/.exec(line)?.[1]
      if (ready) resolve(ready)
    })
    exit.then(([status]) => reject(new Error(`The node ended with ${status}:\n${errors}`)))
  })
  return {
    url,
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

function asOneRow(conditions: readonly string[]): string {
  return `select ${conditions.map((text, at) => `coalesce((${text}), false) as c${at}`).join(', ')}`
}

function booleansOf(row: unknown): boolean[] {
  return Object.values(Object(row)).map(value => value === true)
}
