import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eq, sql } from 'drizzle-orm'
import { pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { GraphQLError } from 'graphql'
import type { HookParameter, Hooks, HookTransaction } from '../../src/app/hooks.ts'
import type { AppUser } from '../../src/app/user.ts'
import { oneRow, rows } from '../../src/database/open.ts'
import { drizzleOf } from '../../src/drizzle.ts'
import { badUserInput } from '../../src/errors.ts'
import { users } from '../../src/tables.ts'
import { must } from '../support/answers.ts'
import type { Answer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { type Device, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/** The app's own table. Its index has the name of one of Annul's. */
const profiles = pgTable(
  'profiles',
  {
    userId: uuid('user_id')
      .primaryKey()
      .references(() => users.id),
    name: text('name').notNull(),
    at: timestamp('at', { withTimezone: true, mode: 'date' }),
  },
  table => [uniqueIndex('users_email_key').on(table.name)],
)

/** What the app's hooks do, by the test. */
let hooks: Hooks = {}
const calls: [name: string, user: AppUser][] = []
const hook =
  (name: keyof Hooks) =>
  (tx: HookTransaction, user: AppUser, recovery = { formerId: user.id }) => {
    calls.push([name, user])
    return hooks[name]?.(tx, user, recovery)
  }
const lines: string[] = []
const server = useServer({
  app: {
    hooks: {
      registered: hook('registered'),
      signedIn: hook('signedIn'),
      accessChanged: hook('accessChanged'),
      blocked: hook('blocked'),
      unblocked: hook('unblocked'),
      deleted: hook('deleted'),
    },
  },
  onLogLine: line => lines.push(line),
})
let admin: Device
beforeAll(async () => {
  await server.rows(sql`create table profiles (user_id uuid primary key references annul.users, name text not null,
    at timestamptz)`)
  await server.rows(sql`create unique index users_email_key on profiles (name)`)
  admin = await openAdmin(server)
})
beforeEach(() => {
  hooks = {}
  calls.length = 0
})

const registering = (email = `${crypto.randomUUID()}@example.com`) =>
  server.send<{ register: { user: { id: string } } }>(
    `mutation { register(input: { email: "${email}", password: "a password of the tests" }) { user { id } } }`,
  )
const byAdmin = (field: string) => server.send(`mutation { ${field} }`, { token: admin.accessToken })
const profileOf = (id: string) => server.rows(sql`select name from profiles where user_id = ${id}`)
const everything = async () => {
  const tables = ['annul.users', 'annul.sessions', 'annul.epochs', 'annul.revocations', 'annul.audit_events']
  const all = [...tables, 'profiles'].map(table => `(select jsonb_agg(t order by 1) from ${table} t)`)
  return (await server.rows(sql.raw(`select jsonb_build_array(${all.join()}) as all`)))[0]
}
const insert = (tx: HookTransaction, { id }: AppUser, name: string = id) =>
  tx.query('insert into profiles (user_id, name) values ($1, $2)', [id, name])

/** The log's words about the failure whose id an answer tells. */
function logged({ errors }: Answer<unknown>) {
  const [error] = errors ?? []
  expect(error).toMatchObject({
    message: 'Something went wrong on the server.',
    extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) },
  })
  return JSON.parse(lines.find(line => line.includes(String(error?.extensions.id))) ?? '{}').err
}

describe('a hook', () => {
  it('makes and removes an app’s row together with its user, by SQL', async () => {
    hooks = {
      registered: async (tx, user) => {
        await insert(tx, user, `by SQL: ${user.email}`)
      },
      deleted: async (tx, user) => {
        expect(await tx.query('delete from profiles where user_id = $1 returning name', [user.id])).toEqual([
          { name: `by SQL: ${user.email}` },
        ])
      },
    }
    const { userId, email } = await server.signUp()
    expect(await profileOf(userId)).toEqual([{ name: `by SQL: ${email}` }])
    must(await byAdmin(`deleteUser(id: "${userId}")`))
    expect(await profileOf(userId)).toEqual([])
  })

  it('does so by Drizzle, with the app’s tables and Annul’s', async () => {
    const at = new Date('2026-01-31T23:30:00.123Z')
    hooks = {
      registered: async (tx, { id }) => {
        const db = drizzleOf(tx)
        await db.insert(profiles).values({ userId: id, name: `by Drizzle: ${id}`, at })
        const joined = await db
          .select({ email: users.email, roles: users.roles, at: profiles.at, since: users.createdAt })
          .from(profiles)
          .innerJoin(users, eq(users.id, profiles.userId))
          .where(eq(users.id, id))
        expect(joined).toEqual([{ email: expect.any(String), roles: [], at, since: expect.any(Date) }])
        expect(await db.$count(profiles, eq(profiles.userId, id))).toBe(1)
      },
      deleted: async (tx, { id }) => {
        await drizzleOf(tx).delete(profiles).where(eq(profiles.userId, id))
      },
    }
    const { userId } = await server.signUp()
    expect(await profileOf(userId)).toEqual([{ name: `by Drizzle: ${userId}` }])
    must(await byAdmin(`deleteUser(id: "${userId}")`))
    expect(await profileOf(userId)).toEqual([])
  })

  it('is called by each verb for the user whom it is about, without secrets', async () => {
    const account = await server.signUp()
    const { userId: id, email } = account
    await server.login(account)
    const fields = ['blockUser', 'blockUser', 'unblockUser', 'unblockUser', 'revokeUserSessions']
    for (const field of fields) must(await byAdmin(`${field}(id: "${id}") { id }`))
    must(await byAdmin(`setUserAccess(id: "${id}", roles: ["editor"], scopes: ["write"]) { id }`))
    must(await byAdmin(`deleteUser(id: "${id}")`))
    expect((await byAdmin(`deleteUser(id: "${id}")`)).code).toBe('NOT_FOUND')
    const user = { id, email, emailVerified: false, roles: [], scopes: [], createdAt: expect.any(Date) }
    const editor = { ...user, roles: ['editor'], scopes: ['write'] }
    // A verb that finds nothing to do calls no hook.
    expect(calls).toEqual([
      ['registered', user],
      ['signedIn', user],
      ['blocked', user],
      ['unblocked', user],
      ['accessChanged', editor],
      ['deleted', editor],
    ])
  })

  it('hands values over as they are, and gets them back', async () => {
    const values: [HookParameter, string, unknown][] = [
      ['it’s $1', 'text', 'it’s $1'],
      [7, 'int', 7],
      [1.5, 'float8', 1.5],
      [7, 'text', '7'],
      [true, 'boolean', true],
      [false, 'boolean', false],
      [null, 'text', null],
      [2n ** 62n, 'bigint::text', String(2n ** 62n)],
      [new Date(1_800_000_000_123), "timestamptz at time zone 'UTC'", '2027-01-15 08:00:00.123'],
      [JSON.stringify({ a: [1] }), 'jsonb', { a: [1] }],
      [JSON.stringify(['a', 'b']), 'jsonb ->> 1', 'b'],
    ]
    const found: unknown[] = []
    hooks = {
      registered: async tx => {
        for (const [value, type] of values)
          found.push((await tx.query(`select $1::${type} as it`, [value]))[0])
        const [bytes] = await tx.query("select encode($1::bytea, 'hex') as it", [new Uint8Array([1, 255])])
        found.push(bytes)
      },
    }
    must(await registering())
    expect(found).toEqual([...values.map(([, , it]) => ({ it })), { it: '01ff' }])
  })
})

describe('what a hook throws', () => {
  const verbs: [keyof Hooks, () => Promise<() => Promise<Answer<unknown>>>][] = [
    ['registered', async () => () => registering()],
    [
      'signedIn',
      async () => {
        const { email, password } = await server.signUp()
        return () =>
          server.send(
            `mutation { login(input: { email: "${email}", password: "${password}" }) { expiresIn } }`,
          )
      },
    ],
    ...(
      [
        'blockUser(id: ID) { id }',
        'setUserAccess(id: ID, roles: ["a"]) { id }',
        'deleteUser(id: ID)',
      ] as const
    ).map((field, at): (typeof verbs)[number] => [
      (['blocked', 'accessChanged', 'deleted'] as const)[at] ?? 'deleted',
      async () => {
        const { userId } = await server.signUp()
        return () => byAdmin(field.replace('ID', `"${userId}"`))
      },
    ]),
    [
      'unblocked',
      async () => {
        const { userId } = await server.signUp()
        must(await byAdmin(`blockUser(id: "${userId}") { id }`))
        return () => byAdmin(`unblockUser(id: "${userId}") { id }`)
      },
    ],
  ]

  it.each(verbs)('rolls its verb back, and so does a statement that fails: %s', async (name, prepare) => {
    const send = await prepare()
    const before = await everything()
    hooks = {
      [name]: async (tx: HookTransaction, user: AppUser) => {
        await tx.query('insert into profiles (user_id, name) values ($1, $2) on conflict do nothing', [
          user.id,
          user.id,
        ])
        throw new Error('The shop has burnt down.')
      },
    }
    expect(logged(await send())).toMatchObject({ type: 'Error', message: 'The shop has burnt down.' })
    expect(await everything()).toEqual(before)
    hooks = {
      [name]: async (tx: HookTransaction) => {
        await tx.query('select 1 from missing')
      },
    }
    expect(logged(await send()).message).toBe('A statement failed.')
    expect(await everything()).toEqual(before)
    hooks = {}
    must(await send())
  })

  it('is the answer where it is for clients: an AuthError, and a GraphQLError with a code', async () => {
    const before = await everything()
    hooks = {
      registered: () => {
        throw badUserInput('input.email', 'NOT_INVITED', 'You are not on the list.')
      },
    }
    expect((await registering()).errors).toMatchObject([
      {
        message: 'You are not on the list.',
        extensions: { code: 'BAD_USER_INPUT', reason: 'NOT_INVITED', argument: 'input.email' },
      },
    ])
    hooks = {
      registered: async () => {
        throw new GraphQLError('Too many shops.', { extensions: { code: 'SHOPS_FULL' } })
      },
    }
    expect((await registering()).errors).toMatchObject([
      { message: 'Too many shops.', extensions: { code: 'SHOPS_FULL' } },
    ])
    expect(await everything()).toEqual(before)
  })

  it('is no outage of the database, where the hook could not reach something else', async () => {
    hooks = {
      registered: async () => {
        throw Object.assign(new Error('The shop can not be reached.'), { code: 'ECONNREFUSED' })
      },
    }
    expect(logged(await registering())).toMatchObject({
      message: 'The shop can not be reached.',
      code: 'ECONNREFUSED',
    })
  })

  it('is not taken for an e-mail that is taken, where the app’s index has the same name', async () => {
    hooks = {
      registered: async (tx, user) => {
        await insert(tx, user, 'the only one')
      },
    }
    must(await registering())
    expect(logged(await registering()).message).toBe('A statement failed.')
    hooks = {}
    const { email } = await server.signUp()
    expect((await registering(email)).reason).toBe('EMAIL_TAKEN')
  })
})

describe('the transaction of a hook', () => {
  it('fails with a statement that failed, also where the hook has caught or forgotten its error', async () => {
    const before = await everything()
    hooks = {
      registered: async (tx, user) => {
        await insert(tx, user)
        await tx.query('select 1 from missing').catch(() => {})
      },
    }
    expect(JSON.stringify(logged(await registering()))).toContain('42P01')
    hooks = {
      registered: tx => {
        void tx.query('select 1 from missing')
      },
    }
    expect(JSON.stringify(logged(await registering()))).toContain('42P01')
    expect(await everything()).toEqual(before)
  })

  it('commits what the hook has sent and not waited for', async () => {
    hooks = {
      registered: (tx, user) => {
        void insert(tx, user)
      },
    }
    const { data } = await registering()
    expect(await profileOf(data?.register.user.id ?? '')).toHaveLength(1)
  })

  it('is dead when the hook is over, whatever was kept of it', async () => {
    const kept: (() => PromiseLike<unknown>)[] = []
    hooks = {
      registered: async (tx, user) => {
        const db = drizzleOf(tx)
        const select = db.select().from(profiles)
        kept.push(
          () => insert(tx, user),
          () => select,
          () => db.select().from(profiles),
          () => db.execute(sql`delete from profiles`),
        )
        await tx.query('select 1')
      },
    }
    const { data } = await registering()
    for (const use of kept)
      await expect(Promise.resolve().then(use)).rejects.toThrow(
        'The hook "registered" is over: its transaction can not be used any more.',
      )
    expect(await profileOf(data?.register.user.id ?? '')).toEqual([])
  })

  it.each([
    'begin',
    'COMMIT',
    ' commit and chain',
    '-- comment\n rollback',
    '/* x */ end',
    ';abort',
    'savepoint a',
    'release a',
    'start transaction',
    "prepare transaction 'x'",
  ])('can not be begun or ended by the app: %j', async text => {
    const before = await everything()
    const message = /A hook must not run "(\w+)": the transaction is Annul's\./
    hooks = {
      registered: async (tx, user) => {
        await insert(tx, user)
        await expect(drizzleOf(tx).execute(sql.raw(text))).rejects.toThrow(message)
        await tx.query(text)
      },
    }
    expect(logged(await registering()).message).toMatch(message)
    expect(await everything()).toEqual(before)
  })

  it('has no transactions in it, and no other values than the ones that it can write', async () => {
    hooks = {
      registered: async tx => {
        await drizzleOf(tx).transaction(async () => {})
      },
    }
    expect(logged(await registering()).message).toBe(
      'A hook is in a transaction, and can not begin another one.',
    )
    for (const value of [undefined, ['a'], { a: 1 }, () => 1] as never[]) {
      hooks = {
        registered: async tx => {
          await tx.query('select $1::text, $2::text', ['a', value])
        },
      }
      expect(logged(await registering())).toMatchObject({
        type: 'TypeError',
        message: expect.stringMatching(/^The value of \$2 is /),
      })
    }
    expect(() => drizzleOf({ query: async () => [] })).toThrow(TypeError)
  })

  it('is given up where the hook waits for something else than a statement', async () => {
    const before = await everything()
    hooks = {
      registered: async (tx, user) => {
        await insert(tx, user)
        await new Promise(() => {})
      },
    }
    expect(logged(await registering()).message).toBe(
      'The hook "registered" ran no statement for 2000 ms, and was given up. Nothing in a transaction waits for the outside.',
    )
    expect(await everything()).toEqual(before)
    hooks = {}
    must(await registering())
  })

  const onlyPostgres = onPostgres ? it : it.skip
  onlyPostgres('may last longer than that where its statements do', async () => {
    hooks = {
      registered: async tx => {
        await tx.query('select pg_sleep(2.4)')
      },
    }
    must(await registering())
  })

  onlyPostgres(
    'that waits in a circle with the app is ended within seconds, and one of both wins',
    async () => {
      const { userId } = await server.signUp()
      await server.rows(sql`insert into profiles (user_id, name) values (${userId}, ${userId})`)
      hooks = {
        deleted: async (tx, { id }) => {
          await tx.query('delete from profiles where user_id = $1', [id])
        },
      }
      let deleting: Promise<Answer<unknown>> | undefined
      const app = server.auth.parts.db.transaction(async tx => {
        await tx.execute(sql`select 1 from profiles where user_id = ${userId} for update`)
        const { pid } = await oneRow<{ pid: number }>(tx, sql`select pg_backend_pid() as pid`)
        deleting = byAdmin(`deleteUser(id: "${userId}")`)
        const isWaitedFor = sql`select 1 from pg_stat_activity where ${pid} = any (pg_blocking_pids(pid))`
        await until(async () => (await rows(server.auth.parts.decisions, isWaitedFor)).length > 0)
        // Any row that refers to the user.
        await tx.execute(sql`select 1 from annul.users where id = ${userId} for key share`)
        await tx.execute(sql`delete from profiles where user_id = ${userId}`)
        return 'committed'
      })
      const outcome = await app.catch(() => 'rolled back')
      expect([outcome, (await deleting)?.code]).toEqual(
        outcome === 'committed' ? ['committed', 'UNAVAILABLE'] : ['rolled back', undefined],
      )
      const [user] = await server.rows<{ status: string }>(
        sql`select status from annul.users where id = ${userId}`,
      )
      expect(user?.status).toBe(outcome === 'committed' ? 'ACTIVE' : 'DELETED')
    },
  )
})
