import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { openPasswords, type Passwords } from '../../src/passwords/hash.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
let account: Account & TokensAnswer
let blocked: Account
beforeAll(async () => {
  account = await server.signUp()
  blocked = await server.signUp()
  await server.rows(sql`update annul.users set status = 'BLOCKED' where id = ${blocked.userId}`)
})

const newPassword = () => `password ${randomBytes(9).toString('base64url')}`
const newEmail = () => `new-${randomBytes(6).toString('hex')}@example.com`

/** Keeps a small queue of real hashes full while `work` lasts. */
async function whileFull<T>(work: () => Promise<T>): Promise<T> {
  const { parts } = server.auth
  const usual = parts.passwords
  const small = await openPasswords({ cores: 1, queue: 1 })
  const use = (passwords: Passwords) => Object.assign(parts, { passwords })
  let full = true
  // The next one is there before anything else can happen: no request comes between.
  const fill = async () => {
    while (full) await small.hash('filler')
  }
  const fillers = [fill(), fill()]
  use(small)
  try {
    return await work()
  } finally {
    full = false
    await Promise.all(fillers)
    use(usual)
  }
}

interface Verb {
  readonly query: string
  /** Where the password stands. */
  readonly argument: string
  variables(password: string): Record<string, unknown>
}

const verbs: Record<string, Verb> = {
  login: {
    query: 'mutation ($input: LoginInput!) { login(input: $input) { expiresIn } }',
    argument: 'input.password',
    variables: password => ({ input: { email: account.email, password } }),
  },
  register: {
    query: 'mutation ($input: RegisterInput!) { register(input: $input) { expiresIn } }',
    argument: 'input.password',
    variables: password => ({ input: { email: newEmail(), password } }),
  },
  reauthenticate: {
    query: 'mutation ($password: String!) { reauthenticate(password: $password) { expiresIn } }',
    argument: 'password',
    variables: password => ({ password }),
  },
  changePassword: {
    query: 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }',
    argument: 'input.currentPassword',
    variables: password => ({ input: { currentPassword: password, newPassword: newPassword() } }),
  },
}

describe('when the queue of hashes is full', () => {
  const expectBusy = async (name: string, variables: Record<string, unknown>) => {
    const { query } = verbs[name] as Verb
    const answer = await whileFull(() => server.send(query, { variables, token: account.accessToken }))
    const { status, data, errors, headers } = answer
    expect({ status, data, errors }).toEqual({
      status: 429,
      // The contract's only nullable one of the four.
      data: name === 'register' ? { register: null } : null,
      errors: [
        {
          message: 'Too many requests. Please try again later.',
          locations: expect.any(Array),
          path: [name],
          extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: 1, recover: 'RETRY' },
        },
      ],
    })
    expect(headers.get('retry-after')).toBe('1')
  }

  it.each(Object.entries(verbs))('answers %s with 429 and when to come again', async (name, verb) => {
    await expectBusy(name, verb.variables(newPassword()))
  })

  it('answers unknown users and blocked ones as it does the others: none goes without a hash', async () => {
    await expectBusy('login', { input: { email: newEmail(), password: newPassword() } })
    await expectBusy('login', { input: { email: blocked.email, password: blocked.password } })
    await expectBusy('login', { input: { email: account.email, password: account.password } })
  })

  it.each(Object.entries(verbs))(
    'refuses a password above the limit in %s without a hash',
    async (name, verb) => {
      const variables = verb.variables('x'.repeat(257))
      const { status, errors } = await whileFull(() =>
        server.send(verb.query, { variables, token: account.accessToken }),
      )
      const extensions = { code: 'BAD_USER_INPUT', reason: 'PASSWORD_TOO_LONG', argument: verb.argument }
      const message = 'A password has at most 256 characters.'
      expect({ status, errors }).toEqual({
        status: 200,
        errors: [{ message, locations: expect.any(Array), path: [name], extensions }],
      })
    },
  )

  it('still answers what needs no hash, and the rest again when there is room', async () => {
    const me = await whileFull(() => server.send('{ me { id } }', { token: account.accessToken }))
    expect({ status: me.status, data: me.data }).toEqual({
      status: 200,
      data: { me: { id: account.userId } },
    })
    expect((await server.login(account)).user.id).toBe(account.userId)
  })
})

describe('hashes', () => {
  it('run one a core, wait in turn, and are refused beyond the queue', async () => {
    const passwords = await openPasswords({ cores: 1, queue: 2 })
    const order: number[] = []
    const jobs = [1, 2, 3].map(job => passwords.hash('a password').then(() => order.push(job)))
    expect(passwords.waiting).toBe(2)
    const refusal = { code: 'TOO_MANY_REQUESTS', details: { retryAfter: 1, recover: 'RETRY' } }
    await expect(passwords.hash('a password')).rejects.toMatchObject(refusal)
    await expect(passwords.verify(undefined, 'a password')).rejects.toMatchObject(refusal)
    await Promise.all(jobs)
    expect(order).toEqual([1, 2, 3])
    expect(passwords.waiting).toBe(0)
    expect(await passwords.hash('a password')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })
})
