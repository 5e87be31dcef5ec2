import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Action, BudgetName } from '../../src/limits/budgets.ts'
import { budgets } from '../../src/limits/budgets.ts'
import { networkOf } from '../../src/limits/network.ts'
import { refreshTokens } from '../../src/tokens/refreshToken.ts'
import { onPostgres } from '../support/database.ts'
import { noDevice } from '../support/noDevice.ts'
import {
  hashesOf,
  headersOf,
  keysOf,
  logIn,
  newAddress,
  newEmail,
  refusedBy,
  useLimitedServer,
} from './support.ts'

const server = useLimitedServer()
const onlyPostgres = onPostgres ? it : it.skip

/** Leaves one attempt in a budget of the database. */
async function leaveOne(budget: BudgetName, ...of: string[]) {
  await server.rows(sql`insert into annul.budgets (key, spent)
    values (${keysOf(server)(budget, ...of)}, ${budgets[budget].most - 1})`)
}

describe('register', () => {
  onlyPostgres(
    'is refused when its address has registered 100 times, before anything is asked or hashed',
    async () => {
      const from = newAddress()
      await leaveOne('register', networkOf(from) ?? '')
      const register = (email: string) =>
        server.send('mutation ($input: RegisterInput!) { register(input: $input) { expiresIn } }', {
          variables: { input: { email, password: 'a password of register' } },
          headers: headersOf({ from }),
        })
      const email = newEmail()
      expect((await register(email)).errors).toBeUndefined()
      const hashes = await hashesOf(server)
      // A taken address and a free one are refused alike.
      for (const tried of [email, newEmail()])
        expect(await register(tried)).toMatchObject({ status: 429, code: 'TOO_MANY_REQUESTS' })
      expect(await hashesOf(server)).toBe(hashes)
      expect(await refusedBy(server, 'register')).toBe(2)
    },
  )
})

describe('forged refresh tokens', () => {
  const verbs: [string, string][] = [
    ['refresh', 'mutation ($token: String) { refresh(refreshToken: $token) { refreshToken } }'],
    ['logout', 'mutation ($token: String) { logout(refreshToken: $token) }'],
  ]

  it.each(verbs)(
    'by %s are refused after 100 from one address, and authentic ones never',
    async (field, query) => {
      const from = newAddress()
      const { refreshToken, session } = await server.signUp()
      const forged = refreshTokens(randomBytes(32)).derive({ sessionId: session.id, generation: 1 })
      const send = (token: string) =>
        server.send(query, { variables: { token }, headers: headersOf({ from }) })
      for (let tries = 0; tries < 98; tries++)
        server.auth.parts.limits.forgedToken({ ipAddress: from, device: noDevice })
      const codes = []
      for (const token of [forged, 'annul_rt_garbage', forged, forged]) codes.push((await send(token)).code)
      // Time may have given one back meanwhile.
      expect(codes.slice(0, 2)).toEqual(['INVALID_REFRESH_TOKEN', 'INVALID_REFRESH_TOKEN'])
      expect(codes.slice(2)).toContain('TOO_MANY_REQUESTS')
      const { data, errors } = await send(refreshToken)
      expect({ errors, answered: Boolean(data?.[field]) }).toEqual({ errors: undefined, answered: true })
    },
  )
})

describe('other actions, for the verbs that ask for them', () => {
  const visitor = (ipAddress: string | null) => ({ ipAddress, device: noDevice })

  it('mails are limited by recipient, whoever asks, and never given back', async () => {
    const recipient = newEmail()
    for (let tries = 0; tries < 5; tries++)
      await server.auth.parts.limits.charge(visitor(newAddress()), 'mail', { recipient })
    await expect(
      server.auth.parts.limits.charge(visitor(newAddress()), 'mail', { recipient }),
    ).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  })

  it('mails are limited by account and by address, for changing recipients', async () => {
    const account = newEmail()
    const from = newAddress()
    const { charge } = server.auth.parts.limits
    for (let tries = 0; tries < 10; tries++)
      await charge(visitor(newAddress()), 'mail', { recipient: newEmail(), account })
    await expect(
      charge(visitor(newAddress()), 'mail', { recipient: newEmail(), account }),
    ).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    for (let tries = 0; tries < 20; tries++) await charge(visitor(from), 'mail', { recipient: newEmail() })
    await expect(charge(visitor(from), 'mail', { recipient: newEmail() })).rejects.toMatchObject({
      code: 'TOO_MANY_REQUESTS',
    })
  })

  it.each<[Action, number]>([
    ['token', 30],
    ['passkey', 100],
  ])('%s has %i attempts, which success and a failure of the server give back', async (action, most) => {
    const subject = { account: newEmail() } as never
    const from = visitor(newAddress())
    const { charge } = server.auth.parts.limits
    for (let tries = 0; tries < most; tries++) await charge(from, action, subject)
    await expect(charge(from, action, subject)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })

    const next = visitor(newAddress())
    const other = { account: newEmail() } as never
    for (let tries = 0; tries < 3 * most; tries++) await (await charge(next, action, other)).succeeded()
    for (let tries = 0; tries < 3 * most; tries++) {
      const attempt = await charge(next, action, other)
      await expect(attempt.run(() => Promise.reject(new Error('An outage.')))).rejects.toThrow('An outage.')
    }
    await charge(next, action, other)
  })

  it('without an address are limited by what else they have', async () => {
    const { charge } = server.auth.parts.limits
    for (let tries = 0; tries < 150; tries++) await charge(visitor(null), 'register', {})
    const recipient = newEmail()
    for (let tries = 0; tries < 5; tries++) await charge(visitor(null), 'mail', { recipient })
    await expect(charge(visitor(null), 'mail', { recipient })).rejects.toMatchObject({
      code: 'TOO_MANY_REQUESTS',
    })
  })
})

describe('budgets that cannot be asked', () => {
  onlyPostgres('let nobody in, and nothing is hashed: UNAVAILABLE', async () => {
    const account = await server.signUp()
    const hashes = await hashesOf(server)
    const { status, code } = await whileLocked(() => logIn(server, account))
    expect([status, code]).toEqual([503, 'UNAVAILABLE'])
    expect(await hashesOf(server)).toBe(hashes)
    expect((await logIn(server, account)).errors).toBeUndefined()
  })
})

/** Runs `work` while another transaction holds the table of budgets. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const { default: postgres } = await import('postgres')
  const client = postgres(server.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
  try {
    return (await client.begin(async tx => {
      await tx`lock table annul.budgets in access exclusive mode`
      return work()
    })) as T
  } finally {
    await client.end()
  }
}
