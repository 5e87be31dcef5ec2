import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { networkOf } from '../../src/limits/network.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import {
  deviceOf,
  hashesOf,
  headersOf,
  keysOf,
  logIn,
  newAddress,
  newEmail,
  passTime,
  refusedBy,
  useLimitedServer,
} from './support.ts'

const server = useLimitedServer()
/** The budgets of the embedded database are in memory, where no statement moves time. */
const onlyPostgres = onPostgres ? it : it.skip

let account: Account & TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})

const wrong = (email: string) => ({ email, password: 'not the password' })
/** @param seconds until there is room again, at most; time passes while a test runs */
const limited = (seconds: number) => ({
  message: 'Too many requests. Please try again later.',
  locations: expect.any(Array),
  path: ['login'],
  extensions: {
    code: 'TOO_MANY_REQUESTS',
    recover: 'RETRY',
    retryAfter: { asymmetricMatch: (given: unknown) => Number(given) >= 1 && Number(given) <= seconds },
  },
})

/** As many wrong passwords, one after another. @returns the codes of the answers */
async function fail(email: string, count: number, from: () => string, device?: string) {
  const codes: (string | undefined)[] = []
  for (let tries = 0; tries < count; tries++)
    codes.push((await logIn(server, wrong(email), { from: from(), ...(device && { device }) })).code)
  return codes
}

const always = (address: string) => () => address
const invalid = (count: number) => Array<string>(count).fill('INVALID_CREDENTIALS')

describe('wrong passwords', () => {
  it.each(['an account', 'no account'])(
    'for %s are refused after 5 from one address, unhashed',
    async kind => {
      const email = kind === 'an account' ? (await server.signUp()).email : newEmail()
      const from = newAddress()
      expect(await fail(email, 5, always(from))).toEqual(invalid(5))
      const [hashes, refusals] = [await hashesOf(server), await refusedBy(server, 'account-address')]

      const { status, data, errors, headers } = await logIn(server, wrong(email), { from })
      expect({ status, data, errors }).toEqual({ status: 429, data: null, errors: [limited(180)] })
      expect(headers.get('retry-after')).toMatch(/^1[0-9][0-9]$/)
      expect(await hashesOf(server)).toBe(hashes)
      expect(await refusedBy(server, 'account-address')).toBe(refusals + 1)
      // The spelling of the e-mail does not matter, nor the device's own address in the /64 network.
      const other = { from: from.replace(/::1$/, ':aaaa:bbbb:cccc:dddd') }
      expect((await logIn(server, wrong(` ${email.toUpperCase()} `), other)).code).toBe('TOO_MANY_REQUESTS')
    },
  )

  it('for one account are refused after 10 from many addresses, with the right password too', async () => {
    const { email, password } = await server.signUp()
    expect(await fail(email, 11, newAddress)).toEqual([...invalid(10), 'TOO_MANY_REQUESTS'])
    const { status, errors } = await logIn(server, { email, password }, { from: newAddress() })
    expect({ status, errors }).toEqual({ status: 429, errors: [limited(90)] })
  })

  onlyPostgres('for many accounts are refused after 100 from one address', async () => {
    const from = newAddress()
    // A hundred hashes take longer than the 9 s in which time gives one attempt back.
    const key = keysOf(server)('address', networkOf(from) ?? '')
    await server.rows(sql`insert into annul.budgets (key, spent) values (${key}, 98)`)
    const codes: (string | undefined)[] = []
    for (let tries = 0; tries < 3; tries++)
      codes.push((await logIn(server, wrong(newEmail()), { from })).code)
    expect(codes).toEqual([...invalid(2), 'TOO_MANY_REQUESTS'])
    expect((await logIn(server, account, { from })).errors).toEqual([limited(9)])
    // The network beside it is another customer's.
    expect((await logIn(server, account, { from: newAddress() })).errors).toBeUndefined()
  })

  it('take nothing from the other budgets once they are refused', async () => {
    const { email, password } = await server.signUp()
    const from = newAddress()
    expect(await fail(email, 60, always(from))).toEqual([
      ...invalid(5),
      ...Array<string>(55).fill('TOO_MANY_REQUESTS'),
    ])
    // 5 of 10 are left for the account, and 95 of 100 for the address.
    expect(await fail(email, 4, newAddress)).toEqual(invalid(4))
    expect((await logIn(server, { email, password }, { from: newAddress() })).errors).toBeUndefined()
    expect((await logIn(server, account, { from })).errors).toBeUndefined()
  })

  onlyPostgres('are given back by time, evenly', async () => {
    const email = newEmail()
    const from = newAddress()
    await fail(email, 5, always(from))
    await passTime(server, 170)
    expect(await fail(email, 1, always(from))).toEqual(['TOO_MANY_REQUESTS'])
    await passTime(server, 10)
    expect(await fail(email, 2, always(from))).toEqual(['INVALID_CREDENTIALS', 'TOO_MANY_REQUESTS'])
    await passTime(server, 900)
    expect(await fail(email, 6, always(from))).toEqual([...invalid(5), 'TOO_MANY_REQUESTS'])
  })
})

describe('the right password', () => {
  it('costs nothing, however often', async () => {
    const { email, password } = await server.signUp()
    const from = newAddress()
    for (let tries = 0; tries < 12; tries++)
      expect((await logIn(server, { email, password }, { from })).errors).toBeUndefined()
    expect(await fail(email, 6, always(from))).toEqual([...invalid(5), 'TOO_MANY_REQUESTS'])
  })

  it('gives nothing back but its own attempt', async () => {
    const { email, password } = await server.signUp()
    const from = newAddress()
    expect(await fail(email, 4, always(from))).toEqual(invalid(4))
    expect((await logIn(server, { email, password }, { from })).errors).toBeUndefined()
    expect(await fail(email, 2, always(from))).toEqual(['INVALID_CREDENTIALS', 'TOO_MANY_REQUESTS'])
  })
})

describe('a device that has signed in to the account', () => {
  it('has 10 attempts of its own, and none of the others', async () => {
    const { email, password } = await server.signUp()
    const from = newAddress()
    const device = deviceOf(await logIn(server, { email, password }, { from }))
    expect(await fail(email, 11, newAddress)).toEqual([...invalid(10), 'TOO_MANY_REQUESTS'])
    expect(await fail(email, 11, always(from), device)).toEqual([...invalid(10), 'TOO_MANY_REQUESTS'])
    expect(await refusedBy(server, 'device')).toBeGreaterThan(0)
  })

  it('is no help for another account, nor on another device', async () => {
    const [one, two] = [await server.signUp(), await server.signUp()]
    const from = newAddress()
    const device = deviceOf(await logIn(server, one, { from }))
    expect(await fail(two.email, 6, always(from), device)).toEqual([...invalid(5), 'TOO_MANY_REQUESTS'])
    const proofs = device.split('.').slice(2)
    const other = deviceOf(await logIn(server, two, { from: newAddress() }))
    expect(await fail(one.email, 5, always(from))).toEqual(invalid(5))
    const pasted = [other, proofs.at(-1)].join('.')
    expect((await logIn(server, one, { from, device: pasted })).code).toBe('TOO_MANY_REQUESTS')
    expect((await logIn(server, one, { from, device })).errors).toBeUndefined()
  })

  it('is known after register, too', async () => {
    const input = { email: newEmail(), password: 'a password of register' }
    const answer = await server.send(
      'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }',
      { variables: { input }, headers: headersOf({ from: newAddress() }) },
    )
    await fail(input.email, 11, newAddress)
    expect((await logIn(server, input)).code).toBe('TOO_MANY_REQUESTS')
    expect((await logIn(server, input, { device: deviceOf(answer) })).errors).toBeUndefined()
  })
})

describe('100 failed attempts in a row (NIST SP 800-63B-4, 3.2.2)', () => {
  const failuresOf = async (email: string) => {
    const [row] = await server.rows<{ failures: number }>(
      sql`select failures from annul.budgets where key = ${keysOf(server)('account', email)}`,
    )
    return row?.failures
  }
  const setFailures = async (email: string, failures: number) => {
    await server.rows(sql`insert into annul.budgets (key, spent, failures)
      values (${keysOf(server)('account', email)}, 0, ${failures})
      on conflict (key) do update set failures = ${failures}, spent = 0`)
  }
  const detailsOf = (userId: string) =>
    server.rows(sql`select kind, detail from annul.audit_events
      where user_id = ${userId} and kind like '%failed' order by id`)

  onlyPostgres('are let in, and the one after them is not, whatever its password', async () => {
    const { email, password, userId } = await server.signUp()
    await setFailures(email, 98)
    expect(await fail(email, 1, newAddress)).toEqual(invalid(1))
    // The hundredth.
    const right = await logIn(server, { email, password }, { from: newAddress() })
    expect(right.errors).toBeUndefined()
    expect(await failuresOf(email)).toBe(0)

    await setFailures(email, 99)
    expect(await fail(email, 1, newAddress)).toEqual(invalid(1))
    const hashes = await hashesOf(server)
    const locked = await logIn(server, { email, password }, { from: newAddress() })
    const unknown = await logIn(server, wrong(newEmail()), { from: newAddress() })
    expect({ ...locked, headers: undefined }).toEqual({ ...unknown, headers: undefined })
    expect(locked).toMatchObject({ status: 200, code: 'INVALID_CREDENTIALS' })
    expect([...locked.headers.keys()].sort()).toEqual([...unknown.headers.keys()].sort())
    // The same work as ever.
    expect(await hashesOf(server)).toBe(hashes + 2)
    expect(await detailsOf(userId)).toEqual([
      { kind: 'login-failed', detail: 'wrong password' },
      { kind: 'login-failed', detail: 'wrong password' },
      { kind: 'login-failed', detail: 'too many failures' },
    ])
  })

  onlyPostgres('are counted for an account that does not exist, too', async () => {
    const email = newEmail()
    await setFailures(email, 100)
    expect(await fail(email, 1, newAddress)).toEqual(invalid(1))
    expect(await failuresOf(email)).toBe(101)
  })

  onlyPostgres('keep out neither a known device nor, after that, anybody', async () => {
    const { email, password } = await server.signUp()
    const device = deviceOf(await logIn(server, { email, password }))
    await setFailures(email, 5000)
    expect((await logIn(server, { email, password }, { from: newAddress() })).code).toBe(
      'INVALID_CREDENTIALS',
    )
    expect((await logIn(server, { email, password }, { device })).errors).toBeUndefined()
    expect(await failuresOf(email)).toBe(0)
    expect((await logIn(server, { email, password }, { from: newAddress() })).errors).toBeUndefined()
  })

  onlyPostgres('on a known device make it an unknown one', async () => {
    const { email, password } = await server.signUp()
    const device = deviceOf(await logIn(server, { email, password }))
    const key = keysOf(server)('device', email, device.slice('annul_d_'.length).split('.')[0] ?? '')
    await server.rows(sql`insert into annul.budgets (key, spent, failures) values (${key}, 0, 99)`)
    await setFailures(email, 99)
    const from = newAddress()
    expect(await fail(email, 1, always(from), device)).toEqual(invalid(1))
    expect(await failuresOf(email)).toBe(100)
    const answer = await logIn(server, { email, password }, { from, device })
    expect(answer.code).toBe('INVALID_CREDENTIALS')
    // Now it is charged as everybody else, on top of its own budget.
    expect(await fail(email, 5, always(from), device)).toEqual([...invalid(4), 'TOO_MANY_REQUESTS'])
  })

  onlyPostgres('are forgotten when the owner has proved to be the owner by a mail', async () => {
    const { email, password } = await server.signUp()
    await setFailures(email, 100)
    await server.auth.parts.limits.proved(email)
    expect((await logIn(server, { email, password }, { from: newAddress() })).errors).toBeUndefined()
  })
})

describe('a stolen access token', () => {
  const verbs: [string, (password: string) => string][] = [
    ['reauthenticate', password => `reauthenticate(password: "${password}") { expiresIn }`],
    [
      'changePassword',
      password =>
        `changePassword(input: { currentPassword: "${password}", newPassword: "${password} 2" }) { expiresIn }`,
    ],
  ]

  it.each(verbs)('asks %s 5 times, from whatever address', async (_, verb) => {
    const { accessToken, email, password } = await server.signUp()
    const ask = (tried: string) =>
      server.send(`mutation { ${verb(tried)} }`, {
        token: accessToken,
        headers: headersOf({ from: newAddress() }),
      })
    const codes: (string | undefined)[] = []
    for (let tries = 0; tries < 6; tries++) codes.push((await ask('not the password')).code)
    expect(codes).toEqual([...invalid(5), 'TOO_MANY_REQUESTS'])
    const hashes = await hashesOf(server)
    expect((await ask(password)).code).toBe('TOO_MANY_REQUESTS')
    expect(await hashesOf(server)).toBe(hashes)
    // The owner signs in meanwhile: the session's budget is its own.
    expect((await logIn(server, { email, password }, { from: newAddress() })).errors).toBeUndefined()
  })

  onlyPostgres.each(verbs)(
    'adds to the failures of the account by %s, and is kept out by them',
    async (_, verb) => {
      const { accessToken, email, password, userId } = await server.signUp()
      const key = keysOf(server)('account', email)
      await server.rows(sql`insert into annul.budgets (key, spent, failures) values (${key}, 0, 99)
      on conflict (key) do update set failures = 99`)
      const ask = (tried: string) => server.send(`mutation { ${verb(tried)} }`, { token: accessToken })
      expect((await ask('not the password')).code).toBe('INVALID_CREDENTIALS')
      expect((await ask(password)).code).toBe('INVALID_CREDENTIALS')
      const [row] = await server.rows<{ failures: number }>(
        sql`select failures from annul.budgets where key = ${key}`,
      )
      expect(row?.failures).toBe(101)
      await server.auth.parts.limits.proved(email)
      expect((await ask(password)).errors).toBeUndefined()
      const [user] = await server.rows(sql`select id from annul.users where id = ${userId}`)
      expect(user).toBeDefined()
    },
  )
})

describe('what is stored', () => {
  onlyPostgres('tells neither account nor address', async () => {
    const from = '203.0.113.77'
    const email = newEmail()
    await fail(email, 1, always(from))
    const found = await server.rows<{ text: string }>(
      sql`select row_to_json(b)::text as text from annul.budgets b`,
    )
    const all = found.map(({ text }) => text).join()
    expect(found.length).toBeGreaterThan(2)
    for (const secret of [email, from])
      for (const encoding of ['utf8', 'hex', 'base64'] as const)
        expect(all).not.toContain(Buffer.from(secret).toString(encoding))
    const [row] = await server.rows<{ length: number }>(
      sql`select max(length(key)) as length from annul.budgets`,
    )
    expect(row?.length).toBe(16)
  })
})

describe('requests that need no limit', () => {
  it('are no attempts: what is wrong in form', async () => {
    const from = newAddress()
    for (let tries = 0; tries < 7; tries++)
      expect((await logIn(server, { email: 'no address', password: 'x' }, { from })).code).toBe(
        'BAD_USER_INPUT',
      )
    expect((await logIn(server, account, { from })).errors).toBeUndefined()
  })
})
