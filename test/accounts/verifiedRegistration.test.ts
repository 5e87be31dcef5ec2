import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { AppUser } from '../../src/app/user.ts'
import { deviceIn, newAddress, newPassword, register, verifyEmail } from '../support/account.ts'
import { must } from '../support/answers.ts'
import { expire, mailOf, mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'

const registered: AppUser[] = []
const server = useServer({
  env: { ANNUL_REQUIRE_VERIFIED_EMAIL: 'true' },
  app: {
    hooks: {
      registered: (_tx, user) => {
        registered.push(user)
      },
    },
  },
})

const confirm = async (email: string) => (await mailOf(server, 'confirm-registration', email)).token

/** Registers, uses the link, and signs in. */
async function join() {
  const account = { email: newAddress(), password: newPassword() }
  must(await register(server, account.email, account.password))
  must(await verifyEmail(server, await confirm(account.email)))
  return { ...account, ...(await server.login(account)) }
}

describe('register, where an e-mail must be verified first', () => {
  it('answers null and makes no account; the link makes it, and login opens the first session (ASVS 5.0 6.3.6)', async () => {
    const [email, password] = [newAddress(), newPassword()]
    const answer = await register(server, email, password)
    expect({ status: answer.status, data: answer.data, errors: answer.errors }).toEqual({
      ...{ status: 200, data: { register: null }, errors: undefined },
    })
    const users = () => server.rows(sql`select email_verified from annul.users where email_key = ${email}`)
    expect(await users()).toEqual([])
    await expect(server.login({ email, password })).rejects.toThrow('INVALID_CREDENTIALS')
    expect(registered.filter(user => user.email === email)).toEqual([])

    expect(must(await verifyEmail(server, await confirm(email)))).toEqual({ verifyEmail: true })
    expect(await users()).toEqual([{ email_verified: true }])
    const [user] = registered.filter(user => user.email === email)
    expect(user).toMatchObject({ emailVerified: true, roles: [] })
    const events = sql`select kind, actor_id from annul.audit_events where user_id = ${user?.id}`
    expect(await server.rows(events)).toEqual([{ kind: 'register', actor_id: user?.id }])
    expect((await server.login({ email, password })).user.id).toBe(user?.id)
  })

  it('answers alike for a taken address, whose owner gets a mail at the stored one', async () => {
    const owner = await join()
    const [free, password] = [newAddress(), newPassword()]
    const answers = await Promise.all([
      register(server, free, password),
      register(server, owner.email.toUpperCase(), password),
    ])
    const [one, other] = answers.map(({ status, data, errors, headers }) => {
      const names = [...headers.keys()].sort()
      return { status, data, errors, names }
    })
    expect(other).toEqual(one)
    const kinds = async (email: string) => (await mailsTo(server, email)).map(({ kind }) => kind)
    expect(await kinds(free)).toEqual(['confirm-registration'])
    expect(await kinds(owner.email)).toEqual(['confirm-registration', 'address-taken'])
    expect((await mailOf(server, 'address-taken', owner.email)).token).toBe('')
  })

  it('gives two people who register one address a link each, and the first that is used has the address', async () => {
    const [email, mine, yours] = [newAddress(), newPassword(), newPassword()]
    must(await register(server, email, mine))
    const first = await confirm(email)
    must(await register(server, email, yours))
    const second = await confirm(email)
    must(await verifyEmail(server, first))
    expect(await verifyEmail(server, second)).toMatchObject({
      code: 'BAD_USER_INPUT',
      reason: 'TOKEN_INVALID',
    })
    must(await server.login({ email, password: mine }).then(data => ({ data }) as never))
    await expect(server.login({ email, password: yours })).rejects.toThrow('INVALID_CREDENTIALS')
  })

  it('makes one account of 50 uses of a link at once', async () => {
    const email = newAddress()
    must(await register(server, email, newPassword()))
    const token = await confirm(email)
    const answers = await Promise.all(Array.from({ length: 50 }, () => verifyEmail(server, token)))
    const outcomes = answers.map(({ reason = 'works' }) => reason).sort()
    expect(outcomes).toEqual([...Array(49).fill('TOKEN_INVALID'), 'works'])
  })

  it('makes one account of 20 registrations of one address, all links used at once', async () => {
    const email = newAddress()
    for (let one = 0; one < 20; one++) must(await register(server, email, newPassword()))
    const tokens = (await mailsTo(server, email)).map(({ token }) => token)
    expect(new Set(tokens).size).toBe(20)
    const answers = await Promise.all(tokens.map(token => verifyEmail(server, token)))
    expect(answers.filter(({ data }) => data?.verifyEmail === true)).toHaveLength(1)
    expect(await server.rows(sql`select 1 from annul.users where email_key = ${email}`)).toHaveLength(1)
  })

  it('refuses a link that has expired, and takes the code on the device that asked', async () => {
    const email = newAddress()
    const answer = await register(server, email, newPassword())
    const { token, code } = await mailOf(server, 'confirm-registration', email)
    expect((await verifyEmail(server, code)).reason).toBe('CODE_INVALID')
    must(await verifyEmail(server, code, deviceIn(answer)))
    const late = newAddress()
    must(await register(server, late, newPassword()))
    const expired = await confirm(late)
    await expire(server, expired)
    for (const dead of [token, expired])
      expect((await verifyEmail(server, dead)).reason).toBe('TOKEN_INVALID')
  })

  it('still refuses an address or a password that no account may have', async () => {
    expect((await register(server, 'no address', newPassword())).reason).toBe('EMAIL_INVALID')
    expect((await register(server, newAddress(), 'short')).reason).toBe('PASSWORD_TOO_SHORT')
  })
})
