import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { annul, newSecret, startNode } from './support/command.ts'
import { createDatabase, onPostgres, temporaryDirectory } from './support/database.ts'
import { createEmptyDatabase, query } from './support/sql.ts'

// The other system is a table in PostgreSQL.
const describePostgres = onPostgres ? describe : describe.skip

const docs = readFileSync('docs/import.md', 'utf8')
/** What stands between the quotes of the command with psql. */
const statement = /^psql "\$OLD_DATABASE_URL" -XAtc "([^"]+)" > users\.jsonl$/m.exec(docs)?.[1] ?? ''
const password = 'correct horse battery'

describePostgres('docs/import.md', () => {
  it('shows how the users of a table with bcrypt hashes move, and each signs in at the first try', async () => {
    const old = await createEmptyDatabase()
    await query(
      old,
      `create table users (id serial, email text, password_digest text, confirmed_at timestamptz, created_at timestamptz)`,
    )
    await query(
      old,
      `insert into users (email, password_digest, confirmed_at, created_at) values
        ('ada@example.com', '$2b$10$N9qo8uLOickgx2ZMRZoMyeUalutVAUeK1iyhYKLzwpTyWAft3dHE.', now(), '2019-03-01 10:00+02'),
        ('bob@example.com', '$2a$04$N9qo8uLOickgx2ZMRZoMye9COBKsOPKEJDHJoe/BuRouJin6Qswhq', null, '2020-03-01 10:00:00.123456+00'),
        ('cem@example.com', '$2a$04$N9qo8uLOickgx2ZMRZoMye9COBKsOPKEJDHJoe/BuRouJin6Qswhq', null, null),
        ('dora@example.com', null, null, now())`,
    )
    // As psql writes it with -At: the text of the value, a row a line.
    const lines = await query(
      old,
      statement.replace(/^select (json_build_object\(.*\)) from/, 'select ($1)::text as line from'),
    )
    const file = join(await temporaryDirectory(), 'users.jsonl')
    await writeFile(file, lines.map(({ line }) => `${line}\n`).join(''))

    const { env } = await createDatabase()
    const settings = { ...env, ANNUL_SECRET: newSecret() }
    const { status, stdout } = await annul(['import-users', file], settings)
    expect([status, stdout]).toEqual([0, /```text\n([^`]+)```/.exec(docs)?.[1]])

    const node = await startNode(settings)
    const passwordOf =
      'select email, email_verified, created_at, password_hash from annul.users order by email'
    const url = env.DATABASE_URL ?? ''
    const before = await query(url, passwordOf)
    expect(before).toMatchObject([
      { email: 'ada@example.com', email_verified: true, created_at: new Date('2019-03-01T08:00:00Z') },
      { email: 'bob@example.com', email_verified: false, created_at: new Date('2020-03-01T10:00:00.123Z') },
      { email: 'cem@example.com', email_verified: false },
    ])
    for (const { email, password_hash } of before) {
      expect(password_hash).toMatch(/^\$2[ab]\$/)
      await node.login({ email: String(email), password })
    }
    for (const { password_hash } of await query(url, passwordOf))
      expect(password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    const left = /```sql\n([^`]+)```/.exec(docs)?.[1] ?? ''
    expect(await query(url, left)).toEqual([{ count: '0' }])
    await node.stop()
  })
})
