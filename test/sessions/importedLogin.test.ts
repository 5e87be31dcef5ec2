import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { importUsers } from '../../src/accounts/importUsers.ts'
import { loadSecret } from '../../src/tokens/secret.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const server = useServer()
const onlyPostgres = onPostgres ? it : it.skip

/** Hashes that other programs made, see test/passwords/foreignHashes.test.ts. */
const hashes: [format: string, passwordHash: string, password: string][] = [
  [
    'argon2id',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    'password',
  ],
  ['bcrypt', '$2b$10$N9qo8uLOickgx2ZMRZoMyeUalutVAUeK1iyhYKLzwpTyWAft3dHE.', 'correct horse battery'],
  [
    'scrypt',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
    'password',
  ],
  [
    'Firebase’s scrypt',
    '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
    'user1password',
  ],
  [
    'PBKDF2',
    'pbkdf2_sha256$1000$seasalt$DrdiWD40lyBuydnjvZiDrdQMx1S1mOA9O0QYex0R6ww=',
    'correct horse battery',
  ],
  [
    'bcrypt of a password that NFKC changes',
    '$2y$05$abcdefghijklmnopqrstuuNMmuxTjQeowZ9BXYyJ5Uzr9drJLfUNu',
    'pässword²',
  ],
]
const [, bcryptHash, bcryptPassword] = hashes[1] ?? ['', '', '']
const ownHash = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/

/** Imports one user with this hash. @returns its e-mail */
async function imported(passwordHash: string): Promise<string> {
  const email = `old-${randomBytes(6).toString('hex')}@example.com`
  const { parts } = server.auth
  const line = { number: 1, text: JSON.stringify({ id: randomUUID(), email, passwordHash }) }
  const refused: string[] = []
  const sum = await importUsers(
    parts,
    await loadSecret(parts.config),
    (async function* () {
      yield line
    })(),
    { onRefused: (_, reason) => refused.push(reason) },
  )
  expect([sum, refused]).toEqual([{ imported: 1, present: 0, refused: 0 }, []])
  return email
}

async function rowOf(email: string) {
  const [row] = await server.rows<{ hash: string; versions: number[] }>(
    sql`select password_hash as hash, array[token_version, session_version] as versions
      from annul.users where email_key = ${email}`,
  )
  return row
}

const logIn = (email: string, password: string) =>
  server.send('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
    variables: { input: { email, password } },
  })

describe('An imported user signs in at the first try, and the hash is argon2id afterwards:', () => {
  it.each(hashes)('%s', async (_, passwordHash, password) => {
    const email = await imported(passwordHash)
    const before = await rowOf(email)
    expect(before?.hash).not.toMatch(ownHash)
    for (const wrong of [`${password}.`, password.slice(1), ''])
      expect(await logIn(email, wrong)).toMatchObject({ data: null, code: 'INVALID_CREDENTIALS' })
    expect(await rowOf(email)).toEqual(before)

    const first = await server.login({ email, password })
    const after = await rowOf(email)
    expect(after).toEqual({ hash: expect.stringMatching(ownHash), versions: before?.versions })
    await server.login({ email, password })
    expect(await rowOf(email)).toEqual(after)
    expect(await logIn(email, `${password}.`)).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    // The replacement signed nobody out.
    const { data } = await server.send('{ me { email } }', { token: first.accessToken })
    expect(data).toEqual({ me: { email } })
  })

  it('argon2id with Annul’s own parameters, of a password that NFKC changes', async () => {
    const { hash } = await import('@node-rs/argon2')
    const password = 'pässword with ½'
    const email = await imported(await hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }))
    expect((await rowOf(email))?.hash).toMatch(/^imported\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await server.login({ email, password })
    expect((await rowOf(email))?.hash).toMatch(ownHash)
    await server.login({ email, password: password.normalize('NFKC') })
  })
})

/* The embedded database has one connection: nothing can come between. */
onlyPostgres('A password that is changed during the first login is not overwritten', async () => {
  const email = await imported(bcryptHash)
  const other = await server.auth.parts.passwords.hash('a password that was set meanwhile')
  const client = postgres(server.env.DATABASE_URL ?? '', { max: 1 })
  try {
    const [login] = await client.begin(async tx => {
      // The login reads the old hash, verifies it, and then waits for this row.
      await tx`select 1 from annul.users where email_key = ${email} for update`
      const login = logIn(email, bcryptPassword)
      await until(async () => {
        const [waiting] = await server.rows<{ count: number }>(
          sql`select count(*)::int from pg_stat_activity
            where wait_event_type = 'Lock' and query ilike 'update%password_hash%'`,
        )
        return waiting?.count === 1
      })
      await tx`update annul.users set password_hash = ${other} where email_key = ${email}`
      return [login]
    })
    await login
    expect((await rowOf(email))?.hash).toBe(other)
  } finally {
    await client.end()
  }
})

describe('A hash that is no hash', () => {
  it('is an error of the server, not of who signs in', async () => {
    const email = await imported(bcryptHash)
    await server.rows(sql`update annul.users set password_hash = 'plain' where email_key = ${email}`)
    expect(await logIn(email, 'plain')).toMatchObject({ data: null, code: 'INTERNAL_SERVER_ERROR' })
  })
})

describe('While hashes of other systems are verified, a refusal', () => {
  const timeOf = async (email: string) => {
    const startedAt = performance.now()
    expect(await logIn(email, 'a wrong password')).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    return performance.now() - startedAt
  }
  let known: string
  let own: string
  beforeAll(async () => {
    known = await imported('$2b$12$N9qo8uLOickgx2ZMRZoMyeUalutVAUeK1iyhYKLzwpTyWAft3dHE.')
    own = (await server.signUp()).email
  })

  it('takes as long for an unknown e-mail and for a hash of Annul’s own', async () => {
    const { passwords } = server.auth.parts
    // What bcrypt with a cost of 12 takes on this machine, without anything around it.
    const stored = (await rowOf(known))?.hash
    const startedAt = performance.now()
    await passwords.verify(stored, 'a wrong password')
    const bcryptMs = performance.now() - startedAt
    for (const email of [known, own, `nobody-${randomBytes(6).toString('hex')}@example.com`])
      expect(await timeOf(email)).toBeGreaterThanOrEqual(bcryptMs * 0.9)
  })
})
