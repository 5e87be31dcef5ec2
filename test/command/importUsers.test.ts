import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { annul, newSecret, spawnAnnul } from '../support/command.ts'
import { createDatabase, onPostgres, temporaryDirectory } from '../support/database.ts'
import { useOperatedServer } from '../support/operatedServer.ts'
import { query } from '../support/sql.ts'
import { until } from '../support/until.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

const operated = useOperatedServer()
const passwordHash = '$2b$10$N9qo8uLOickgx2ZMRZoMyeUalutVAUeK1iyhYKLzwpTyWAft3dHE.'
const hint =
  'Correct the refused lines and import the file again: the users that are there stay as they are.\n'

const linesOf = (users: readonly unknown[]) => users.map(user => `${JSON.stringify(user)}\n`).join('')

/** Imports these lines from standard input. @returns what the command said, line by line */
async function importLines(text: string) {
  const [ended] = await operated.runAll([{ args: ['import-users', '-'], input: text }])
  if (ended === undefined) throw new Error('The command has not ended.')
  const { status, stdout, stderr } = ended
  return { status, said: stdout.trimEnd().split('\n'), stderr }
}

const usersLike = (pattern: string) =>
  operated.server.rows<Record<string, unknown>>(
    sql`select id, email, email_verified, password_hash, to_json(roles) as roles, to_json(scopes) as scopes, status, token_version, created_at
      from annul.users where email_key like ${pattern} order by email_key`,
  )

/** Events of the last import, and how many users they tell of. */
const auditOf = () =>
  operated.server.rows<{ detail: string }>(
    sql`select actor_id, user_id, detail from annul.audit_events where kind = 'import-users' order by id`,
  )

describe('annul import-users', () => {
  it('makes the accounts of a file as the file says, and no more', async () => {
    const id = randomUUID()
    const whole = {
      id: id.toUpperCase(),
      email: ' Ada@Whole.example ',
      emailVerified: true,
      passwordHash,
      roles: ['admin', 'ops', 'ops'],
      scopes: ['a:read'],
      createdAt: '2020-02-29 12:30:00.5+02',
    }
    const odd = { email: `o'"{\\},NULL@whole.example`, passwordHash, roles: ["{it's},"] }
    const least = { email: 'bob@whole.example', passwordHash, id: null, emailVerified: null, roles: null }
    const file = join(await temporaryDirectory(), 'users.jsonl')
    // As some editors write it: a mark of the byte order, other line ends, an empty line, no line end at the end.
    await writeFile(
      file,
      `\uFEFF${JSON.stringify(whole)}\r\n\r\n${JSON.stringify(least)}\n${JSON.stringify(odd)}`,
    )
    expect(await operated.run('import-users', file)).toEqual({
      status: 0,
      stdout: 'Users imported: 3. There already: 0. Lines refused: 0.\n',
      stderr: '',
    })
    const [ada, bob, oddOne] = await usersLike('%@whole.example')
    const common = { password_hash: passwordHash, status: 'ACTIVE', token_version: 1 }
    expect({ ...ada, created_at: new Date(String(ada?.created_at)).toISOString() }).toEqual({
      ...common,
      id,
      email: 'Ada@Whole.example',
      email_verified: true,
      roles: ['admin', 'ops'],
      scopes: ['a:read'],
      created_at: '2020-02-29T10:30:00.500Z',
    })
    expect(oddOne).toMatchObject({ email: odd.email, roles: odd.roles })
    expect(bob).toMatchObject({
      ...common,
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      email: 'bob@whole.example',
      email_verified: false,
      roles: [],
      scopes: [],
    })
    expect(Date.now() - new Date(String(bob?.created_at)).getTime()).toBeLessThan(600_000)
    expect(await auditOf()).toEqual([
      { actor_id: null, user_id: null, detail: 'by the command; 3 users of the lines 1 to 4' },
    ])
  })

  it('refuses what is no user, by number and reason, and imports the lines between', async () => {
    const email = 'refused@lines.example'
    const secretHash = '$2b$31$N9qo8uLOickgx2ZMRZoMyeUalutVAUeK1iyhYKLzwpTyWAft3dHE.'
    const missing = 'This field is missing.'
    const zone = 'createdAt: This must be a time with its zone, such as 2024-02-29T12:00:00Z.'
    const since1970 = 'createdAt: This must be a time from 1970 until today.'
    const inUse = 'There is an account with this e-mail.'
    const refused: [line: unknown, reason: string][] = [
      ['{"email":', 'line: This is not JSON.'],
      ['[]', 'line: This is not a JSON object.'],
      ['null', 'line: This is not a JSON object.'],
      [`"${'x'.repeat(70_000)}"`, 'line: This is longer than 64 KiB, or not UTF-8.'],
      [
        { email, passwordHash, password: 'in the clear' },
        'line: There is a field that is none of id, email, emailVerified, passwordHash, roles, scopes, createdAt.',
      ],
      [{ passwordHash }, `email: ${missing}`],
      [{ email: 7, passwordHash }, 'email: This must be a text.'],
      [{ email: 'nobody', passwordHash }, 'email: This is not an e-mail address.'],
      [{ email: 'zero\u200Bwidth@x.example', passwordHash }, 'email: This is not an e-mail address.'],
      [{ email: 'nul\0@x.example', passwordHash }, 'email: This is not an e-mail address.'],
      [
        { email: `${'x'.repeat(250)}@x.example`, passwordHash },
        'email: An e-mail has at most 254 characters.',
      ],
      [{ email }, `passwordHash: ${missing}`],
      [{ email, passwordHash: null }, `passwordHash: ${missing}`],
      [
        { email, passwordHash: 'in the clear' },
        'passwordHash: This is none of the formats argon2id, bcrypt, scrypt, Firebase’s scrypt and PBKDF2.',
      ],
      [{ email, passwordHash: secretHash }, 'passwordHash: The cost of bcrypt may be at most 14.'],
      [{ id: '42', email, passwordHash }, 'id: This is not an id: it must be a UUID.'],
      [{ id: 42, email, passwordHash }, 'id: This must be a text.'],
      [{ email, passwordHash, emailVerified: 'yes' }, 'emailVerified: This must be true or false.'],
      [{ email, passwordHash, roles: 'admin' }, 'roles: This must be a list of texts.'],
      [{ email, passwordHash, scopes: [1] }, 'scopes: This must be a list of texts.'],
      [
        { email, passwordHash, roles: ['two words'] },
        'roles: A role or scope has 1 to 100 printable ASCII characters, without space, quote and backslash.',
      ],
      [{ email, passwordHash, createdAt: '2020-01-01 00:00:00' }, zone],
      [{ email, passwordHash, createdAt: '2020-02-30T25:00:00Z' }, zone],
      [{ email, passwordHash, createdAt: '1' }, zone],
      [{ email, passwordHash, createdAt: '1969-12-31T23:59:59Z' }, since1970],
      [{ email, passwordHash, createdAt: '2999-01-01T00:00:00Z' }, since1970],
      // Two accounts for one e-mail, in whatever letters: the first line has it.
      [{ email: 'FIRST@lines.example', passwordHash, emailVerified: true }, `email: ${inUse}`],
      [{ email: 'ｆirst@lines.example', passwordHash }, `email: ${inUse}`],
    ]
    const first = { email: 'first@lines.example', passwordHash }
    const texts = refused.map(([line]) => (typeof line === 'string' ? line : JSON.stringify(line)))
    const last = { email: 'last@lines.example', passwordHash }
    const ended = await importLines([JSON.stringify(first), ...texts, JSON.stringify(last)].join('\n'))
    expect(ended).toEqual({
      status: 1,
      said: [
        ...refused.map(([, reason], index) => `Line ${index + 2} is refused. ${reason}`),
        `Users imported: 2. There already: 0. Lines refused: ${refused.length}.`,
      ],
      stderr: hint,
    })
    expect((await usersLike('%@lines.example')).map(({ email }) => email)).toEqual([first.email, last.email])
    expect(JSON.stringify(ended)).not.toMatch(/N9qo8uLO|in the clear|nobody/)
  })

  it('knows again what it imported, also after its user has signed in, and refuses what differs', async () => {
    const own = { id: randomUUID(), email: 'own@again.example', passwordHash, roles: ['a'] }
    const other = { email: 'other@again.example', passwordHash }
    const gone = { email: 'gone@again.example', passwordHash }
    const text = linesOf([own, other, gone])
    expect((await importLines(text)).status).toBe(0)
    const { server } = operated
    for (const { email } of [own, other]) await server.login({ email, password: 'correct horse battery' })
    await server.rows(sql`update annul.users set status = 'DELETED', email = null, email_key = null, password_hash = null
      where email_key = ${gone.email}`)
    const before = await usersLike('%@again.example')

    // The line of a deleted account brings it not back.
    expect(await importLines(text + text)).toEqual({
      status: 0,
      said: ['Users imported: 0. There already: 6. Lines refused: 0.'],
      stderr: '',
    })
    expect(await usersLike('%@again.example')).toEqual(before)

    const value = 'There is this account already, with another value.'
    const refused: [object, string][] = [
      [{ ...own, roles: ['a', 'admin'] }, `roles: ${value}`],
      [{ ...own, scopes: ['s'] }, `scopes: ${value}`],
      [{ ...own, emailVerified: true }, `emailVerified: ${value}`],
      [{ ...own, email: 'OWN@again.example' }, `email: ${value}`],
      [{ ...own, createdAt: '2020-01-01T00:00:00Z' }, `createdAt: ${value}`],
      [{ ...own, email: 'new@again.example' }, 'id: There is an account with this id, and another e-mail.'],
      [{ ...own, id: randomUUID() }, 'email: There is an account with this e-mail.'],
      [{ ...other, roles: ['admin'] }, 'email: There is an account with this e-mail.'],
    ]
    const ended = await importLines(linesOf(refused.map(([line]) => line)))
    expect(ended.said.slice(0, -1)).toEqual(
      refused.map(([, reason], index) => `Line ${index + 1} is refused. ${reason}`),
    )
    expect(await usersLike('%@again.example')).toEqual(before)
  })

  it('refuses another hash for an account that has not signed in, and an account that was deleted', async () => {
    const waits = { id: randomUUID(), email: 'waits@hash.example', passwordHash }
    const gone = { id: randomUUID(), email: 'gone@hash.example', passwordHash }
    await importLines(linesOf([waits, gone]))
    await operated.server.rows(sql`update annul.users set status = 'DELETED', email = null, email_key = null, password_hash = null
      where id = ${gone.id}`)
    const other = passwordHash.replace('$2b$10$', '$2b$11$')
    const { said } = await importLines(linesOf([{ ...waits, passwordHash: other }, gone]))
    expect(said).toEqual([
      'Line 1 is refused. passwordHash: There is this account already, with another value.',
      'Line 2 is refused. id: The account with this id was deleted.',
      'Users imported: 0. There already: 0. Lines refused: 2.',
    ])
  })

  it('does nothing without a file that it can read, or under a secret that is not the database’s', async () => {
    expect(await operated.run('import-users', '/nowhere/at/all')).toEqual({
      status: 1,
      stdout: '',
      stderr: "ENOENT: no such file or directory, access '/nowhere/at/all'\n",
    })
    if (!onPostgres) await operated.server.close()
    const env = { ...operated.server.env, ANNUL_SECRET: newSecret() }
    const ended = await annul(
      ['import-users', '-'],
      env,
      linesOf([{ email: 'a@secret.example', passwordHash }]),
    )
    if (!onPostgres) await operated.secondNode()
    expect(ended).toEqual({
      status: 1,
      stdout: '',
      stderr: 'ANNUL_SECRET is not the secret that the signing keys in this database were encrypted under.\n',
    })
    expect(await usersLike('%@secret.example')).toEqual([])
  })
})

describe('An import that was killed in the middle', () => {
  const file = linesOf(
    Array.from({ length: 3500 }, (_, index) => ({ email: `user-${index}@killed.example`, passwordHash })),
  )
  const firstLines = (count: number) => file.split('\n').slice(0, count).join('\n').concat('\n')
  const count = async () => {
    const [row] = await operated.server.rows<{ users: number; audited: number }>(sql`
      select (select count(*)::int from annul.users where email_key like '%@killed.example') as users,
        (select coalesce(sum(substring(detail from '; (\\d+) users')::int), 0)::int from annul.audit_events
          where kind = 'import-users' and detail like '%lines%' and id > ${lastEvent}) as audited`)
    return row
  }
  let lastEvent = 0

  it('has imported whole batches, and is completed by the same command', async () => {
    const [last] = await operated.server.rows<{ id: number }>(
      sql`select coalesce(max(id), 0)::int as id from annul.audit_events`,
    )
    lastEvent = last?.id ?? 0
    if (!onPostgres) await operated.server.close()
    const input = new PassThrough()
    const killed = spawnAnnul(['import-users', '-'], operated.server.env, input)
    // Two batches and a half, and no end: the command waits for more.
    input.write(firstLines(2500))
    if (onPostgres) await until(async () => (await count())?.users === 2000, Boolean, 60_000)
    killed.process.kill('SIGKILL')
    expect((await killed.ended).status).toBe(null)

    if (!onPostgres) await operated.secondNode()
    const half = await count()
    expect((half?.users ?? -1) % 1000).toBe(0)
    expect(half?.audited).toBe(half?.users)
    if (onPostgres) expect(half?.users).toBe(2000)

    const present = half?.users ?? 0
    expect(await importLines(file)).toEqual({
      status: 0,
      said: [`Users imported: ${3500 - present}. There already: ${present}. Lines refused: 0.`],
      stderr: '',
    })
    expect(await count()).toEqual({ users: 3500, audited: 3500 })
  })
})

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('A batch that can not be committed', () => {
  it('leaves the batches before, and says how to go on', async () => {
    const { env } = await createDatabase()
    const settings = { ...env, ANNUL_SECRET: newSecret() }
    const url = env.DATABASE_URL ?? ''
    // The database refuses the batch with this user at its commit.
    await query(
      url,
      `create function annul.refuse() returns trigger language plpgsql as
        $$ begin if new.email = 'user-1500@x.example' then raise exception 'no'; end if; return new; end $$`,
    )
    await query(
      url,
      `create constraint trigger refuse after insert on annul.users deferrable initially deferred
        for each row execute function annul.refuse()`,
    )
    const text = linesOf(
      Array.from({ length: 2500 }, (_, index) => ({ email: `user-${index}@x.example`, passwordHash })),
    )
    const failed = await annul(['import-users', '-'], settings, text)
    expect(failed).toMatchObject({
      status: 1,
      stdout:
        'Users imported: 1000. There already: 0. Lines refused: 0. This is not the end of the file. Run the command again, and it goes on.\n',
    })
    expect(failed.stderr).not.toContain(passwordHash)
    const count =
      'select (select count(*)::int from annul.users) as users, count(*)::int from annul.audit_events'
    expect(await query(url, count)).toEqual([{ users: 1000, count: 1 }])
    await query(url, 'drop trigger refuse on annul.users')
    expect((await annul(['import-users', '-'], settings, text)).stdout).toBe(
      'Users imported: 1500. There already: 1000. Lines refused: 0.\n',
    )
  })

  it('leaves no user of whom the audit does not tell', async () => {
    const { env } = await createDatabase()
    const settings = { ...env, ANNUL_SECRET: newSecret() }
    const url = env.DATABASE_URL ?? ''
    await query(url, `alter table annul.audit_events add constraint refuse check (kind <> 'import-users')`)
    const text = linesOf([{ email: 'a@x.example', passwordHash }])
    expect((await annul(['import-users', '-'], settings, text)).status).toBe(1)
    expect(await query(url, 'select id from annul.users')).toEqual([])
  })
})
