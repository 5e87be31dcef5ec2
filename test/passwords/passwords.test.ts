import { randomBytes } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { hash } from '@node-rs/argon2'
import { sql } from 'drizzle-orm'
import { openPasswords } from '../../src/passwords/hash.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { makeAdmin, useServer } from '../support/server.ts'

const server = useServer()
let account: Account & TokensAnswer
let blocked: Account
beforeAll(async () => {
  account = await server.signUp()
  blocked = await server.signUp()
  const admin = await server.signUp()
  await makeAdmin(server, admin.email)
  const { accessToken } = await server.login(admin)
  await server.send('mutation ($id: ID!) { blockUser(id: $id) { status } }', {
    variables: { id: blocked.userId },
    token: accessToken,
  })
})
afterEach(() => {
  jest.restoreAllMocks()
})

/** A login as raw as it goes over the wire. */
async function logIn(email: string, password: string) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: 'mutation ($input: LoginInput!) { login(input: $input) { user { id } } }',
      variables: { input: { email, password } },
    }),
  })
  const { date: _, ...headers } = Object.fromEntries(response.headers)
  return { status: response.status, headers, body: await response.text() }
}

const wrongPassword = () => `password ${randomBytes(9).toString('base64url')}`
const failures: [string, () => Promise<Awaited<ReturnType<typeof logIn>>>][] = [
  ['an unknown user', () => logIn(`nobody-${randomBytes(6).toString('hex')}@example.com`, wrongPassword())],
  ['a wrong password', () => logIn(account.email, wrongPassword())],
  ['a blocked user', () => logIn(blocked.email, blocked.password)],
  ['a blocked user with a wrong password', () => logIn(blocked.email, wrongPassword())],
]

describe('a failed login', () => {
  it.each(failures)('gives the same whole answer for %s', async (_, fail) => {
    const { status, headers, body } = await fail()
    expect({ status, body }).toEqual({
      status: 200,
      body: '{"errors":[{"message":"The e-mail or the password is wrong.","locations":[{"line":1,"column":34}],"path":["login"],"extensions":{"code":"INVALID_CREDENTIALS"}}],"data":null}\n',
    })
    expect(headers).toEqual((await logIn(account.email, wrongPassword())).headers)
  })

  it.each(failures)('costs one hash for %s', async (_, fail) => {
    const verify = jest.spyOn(server.auth.parts.passwords, 'verify')
    const made = jest.spyOn(server.auth.parts.passwords, 'hash')
    await fail()
    expect([verify.mock.calls.length, made.mock.calls.length]).toEqual([1, 0])
  })

  it('does as much work without a hash as with one', async () => {
    const passwords = await openPasswords({ cores: 1 })
    const stored = await passwords.hash('the right password')
    const workOf = async (of: string | undefined) => {
      const before = process.cpuUsage()
      for (let count = 0; count < 10; count++)
        expect(await passwords.verify(of, 'a wrong password')).toBe(false)
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    await workOf(stored)
    // Processor time, which others who use the machine leave alone; without a hash it would be next to nothing.
    expect((await workOf(undefined)) / (await workOf(stored))).toBeGreaterThan(0.5)
    expect(await passwords.verify(undefined, '')).toBe(false)
    expect(await passwords.verify(null, '')).toBe(false)
  })

  it('is written down with what the answer does not say', async () => {
    await logIn(account.email, wrongPassword())
    await logIn(blocked.email, blocked.password)
    const details = await server.rows<{ user_id: string; detail: string }>(
      sql`select user_id, detail from annul.audit_events where kind = 'login-failed' order by id desc limit 2`,
    )
    expect(details).toEqual([
      { user_id: blocked.userId, detail: 'blocked user' },
      { user_id: account.userId, detail: 'wrong password' },
    ])
  })
})

describe('a hash with older parameters', () => {
  const hashOf = async () => {
    const [row] = await server.rows<{ password_hash: string }>(
      sql`select password_hash from annul.users where id = ${account.userId}`,
    )
    return row?.password_hash ?? ''
  }

  it('is renewed when its owner signs in, once, and by nobody else', async () => {
    const old = await hash(account.password, { memoryCost: 8192, timeCost: 1, parallelism: 1 })
    await server.rows(sql`update annul.users set password_hash = ${old} where id = ${account.userId}`)
    await logIn(account.email, wrongPassword())
    expect(await hashOf()).toBe(old)

    await server.login(account)
    const renewed = await hashOf()
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await server.login(account)
    expect(await hashOf()).toBe(renewed)
    // It is the same password still, and no sign-out.
    const { data } = await server.send('{ me { id } }', { token: account.accessToken })
    expect(data).toEqual({ me: { id: account.userId } })
  })
})
