import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { nodeOn } from '../support/cores.js'

export const title = 'An import of users with bcrypt hashes, beside a bare COPY of the same rows'

const goalMinutes = 5
const runFile = promisify(execFile)
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export async function run(bench) {
  const users = bench.options.users
  const folder = await mkdtemp(join(tmpdir(), 'annul-bench-'))
  const asJson = join(folder, 'users.jsonl')
  const asCopy = join(folder, 'users.copy')
  try {
    await writeFiles(users, asJson, asCopy)
    const { annul, url } = await freshDatabase(bench)
    const copied = await seconds(() => copy(url, asCopy))
    const target = await freshDatabase(bench)
    const expected = (imported, present) =>
      `Users imported: ${imported}. There already: ${present}. Lines refused: 0.\n`
    const imported = await seconds(() => target.annul(['import-users', asJson], expected(users, 0)))
    const again = await seconds(() => target.annul(['import-users', asJson], expected(0, users)))
    const start = await seconds(() => annul(['migrate'], 'The tables are up to date.\n'))
    const rows = [
      { name: 'COPY of the rows, bare', seconds: copied },
      { name: 'annul import-users', seconds: imported },
      { name: 'the same file again', seconds: again },
    ].map(row => ({ ...row, perSecond: users / row.seconds, ratio: copied / row.seconds }))
    const minutes = (imported / users) * (1_000_000 / 60)
    return {
      columns: [
        [`${users} users`, row => row.name],
        ['seconds', row => row.seconds.toFixed(1)],
        ['rows per second', row => row.perSecond.toFixed(0)],
        ['of the COPY', row => row.ratio.toFixed(2)],
      ],
      rows,
      goals: [{ text: `a million users in ${goalMinutes} minutes`, reached: minutes < goalMinutes }],
      users,
      startSeconds: start,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A database with Annul's tables, and the command on it, on the server's core. */
async function freshDatabase(bench) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const { execPath, execArgv } = nodeOn('server')
  const env = { ...process.env, DATABASE_URL: url, ANNUL_SECRET: randomBytes(32).toString('base64') }
  const annul = async (args, lastLine) => {
    const { stdout } = await runFile(execPath, [...execArgv, main, ...args], { env, maxBuffer: 1e8 })
    if (!stdout.endsWith(lastLine)) throw new Error(stdout)
  }
  await annul(['migrate'], 'The tables are up to date.\n')
  return { url, annul }
}

/** The same users as lines of JSON and as lines of COPY. The hashes are of the form that bcrypt's have. */
async function writeFiles(users, asJson, asCopy) {
  const json = createWriteStream(asJson)
  const text = createWriteStream(asCopy)
  const made = new Date(Date.now() - 86_400_000).toISOString()
  const writes = (stream, lines) =>
    new Promise((done, failed) => stream.write(lines, error => (error ? failed(error) : done())))
  for (let first = 0; first < users; first += 1000) {
    const lines = []
    const copies = []
    for (let at = first; at < Math.min(users, first + 1000); at++) {
      const email = `user-${at}-${randomBytes(4).toString('hex')}@example.com`
      const passwordHash = `$2b$10$${randomBytes(27).toString('hex').slice(0, 21)}e${randomBytes(30).toString('hex').slice(0, 30)}e`
      lines.push(`${JSON.stringify({ email, emailVerified: true, passwordHash, createdAt: made })}\n`)
      copies.push([randomUUID(), email, email, 't', passwordHash, '{}', '{}', made].join('\t'), '\n')
    }
    await writes(json, lines.join(''))
    await writes(text, copies.join(''))
  }
  await Promise.all([json, text].map(stream => new Promise(done => stream.end(done))))
}

async function copy(url, file) {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: 'bench' } })
  try {
    const into =
      await sql`copy annul.users (id, email, email_key, email_verified, password_hash, roles, scopes,
      created_at) from stdin`.writable()
    await pipeline(createReadStream(file), into)
  } finally {
    await sql.end()
  }
}

async function seconds(work) {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
