import { describe, expect, jest, test } from '@jest/globals'
import type { FactorAnswer, FactorQuestion, SessionOptions } from '../../src/client/index.ts'
import { SessionError } from '../../src/client/index.ts'
import { noteSecrets } from '../support/client.ts'
import { challengeOf, codeOf, signUpWithTotp, type TotpAccount, wrongCode } from '../support/factors.ts'
import { emptied, mailFiles } from '../support/mails.ts'
import { ask, createNetwork, openSession, pause, until, useClientServer } from './support.ts'

const server = useClientServer()

type Answers = (question: FactorQuestion) => FactorAnswer | null | Promise<FactorAnswer | null>

/** A signed-out client, and what its app was asked. */
function open(answer?: Answers, options: Partial<SessionOptions> = {}) {
  const network = createNetwork()
  const onFactor = jest.fn(async (question: FactorQuestion) => (answer ? answer(question) : null))
  const storage = new Map<string, string>()
  const session = openSession({
    endpoint: server.endpoint,
    storage,
    fetch: network.fetch,
    ...(answer && { onFactor }),
    ...options,
  })
  return { session, storage, network, onFactor }
}

/** A promise that a test settles. */
function later<T>() {
  let settle: (value: T) => void = () => {}
  const promise = new Promise<T>(resolve => {
    settle = resolve
  })
  return { promise, settle }
}

const sessionsOf = async ({ userId }: TotpAccount) => {
  const { sql } = await import('drizzle-orm')
  return server.rows<{ amr: string; end_reason: string | null }>(
    sql`select amr, end_reason from annul.sessions where user_id = ${userId} order by created_at desc, id`,
  )
}

describe('a login of an account with a second factor', () => {
  test('asks the app by onFactor, and resolves with the user', async () => {
    const account = await signUpWithTotp(server)
    const { session, onFactor, storage } = open(() => ({ totp: codeOf(account.secret) }))
    const states: string[] = []
    session.subscribe(({ status }) => states.push(status))
    await session.ready
    await expect(session.login(account)).resolves.toMatchObject({
      id: account.userId,
      email: account.email,
    })
    expect(onFactor.mock.calls).toEqual([
      [
        {
          challenge: expect.stringMatching(/^[\w-]{43}$/),
          methods: ['TOTP', 'RECOVERY_CODE'],
          error: undefined,
        },
      ],
    ])
    expect(states).toEqual(['signedOut', 'signedIn'])
    expect(storage.get('annul.token')).toMatch(/^annul_rt_/)
    expect((await sessionsOf(account))[0]).toMatchObject({ amr: '{pwd,otp,mfa}' })
    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
  })

  test('does not ask for an account without one, and does not send a challenge', async () => {
    const account = await server.signUp()
    const { session, onFactor, network } = open(() => null)
    await session.login(account)
    expect(onFactor).not.toHaveBeenCalled()
    expect(network.sentWith('completeLogin')).toHaveLength(0)
  })

  test('asks again after a wrong answer, and tells what was wrong with it', async () => {
    const account = await signUpWithTotp(server)
    const answers: FactorAnswer[] = [
      { totp: wrongCode(account.secret) },
      { recoveryCode: 'ABCDE-FGHJK-MNPQR' },
      { totp: codeOf(account.secret) },
    ]
    const { session, onFactor } = open(() => answers.shift() ?? null)
    await session.login(account)
    const asked = onFactor.mock.calls.map(([question]) => question)
    expect(new Set(asked.map(({ challenge }) => challenge)).size).toBe(1)
    expect(asked.map(({ error }) => error)).toEqual([
      undefined,
      expect.objectContaining({ code: 'BAD_USER_INPUT', reason: 'CODE_INVALID' }),
      expect.objectContaining({ code: 'BAD_USER_INPUT', reason: 'CODE_INVALID' }),
    ])
    expect(asked.map(({ error }) => error?.extensions.argument)).toEqual([
      undefined,
      'input.factor.totp',
      'input.factor.recoveryCode',
    ])
    expect(asked[1]?.error).toBeInstanceOf(SessionError)
  })

  test('rejects when the challenge is dead, after five wrong answers', async () => {
    const account = await signUpWithTotp(server)
    const { session, onFactor } = open(() => ({ totp: wrongCode(account.secret) }))
    await expect(session.login(account)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      reason: 'CHALLENGE_INVALID',
    })
    expect(onFactor).toHaveBeenCalledTimes(6)
    expect(session.state).toEqual({ status: 'signedOut', user: null, reason: null })
  })

  test('does not ask again for an answer that is no answer at all', async () => {
    const account = await signUpWithTotp(server)
    const { session, onFactor } = open(() => ({}) as FactorAnswer)
    await expect(session.login(account)).rejects.toMatchObject({ reason: 'FACTOR_INPUT_INVALID' })
    expect(onFactor).toHaveBeenCalledTimes(1)
  })

  test('rejects without a change when the user gives up', async () => {
    const account = await signUpWithTotp(server)
    const { session, storage, network } = open(() => null)
    await session.ready
    await expect(session.login(account)).rejects.toMatchObject({
      code: 'SECOND_FACTOR_REQUIRED',
      recover: 'SECOND_FACTOR',
    })
    const closed = open(() => Promise.reject(new Error('The dialog was closed.')))
    await expect(closed.session.login(account)).rejects.toThrow('The dialog was closed.')
    const thrown = open(() => null, {
      onFactor: () => {
        throw new Error('There is no dialog.')
      },
    })
    await expect(thrown.session.login(account)).rejects.toThrow('There is no dialog.')

    expect(session.state).toEqual({ status: 'signedOut', user: null, reason: null })
    expect([...storage.keys()]).toEqual(['annul.device'].filter(key => storage.has(key)))
    expect(network.sentWith('completeLogin')).toHaveLength(0)
  })

  test('keeps the session of another user until it is complete, and when the user gives up', async () => {
    const [one, other] = [await signUpWithTotp(server), await server.signUp()]
    const answer = later<FactorAnswer | null>()
    const { session, onFactor } = open(() => answer.promise)
    await session.login(other)
    const login = session.login(one).catch(error => error)
    await until(() => onFactor.mock.calls.length === 1)
    await expect(ask(session, server.endpoint, '{ me { id } }')).resolves.toMatchObject({
      data: { me: { id: other.userId } },
    })
    answer.settle(null)
    expect(await login).toMatchObject({ code: 'SECOND_FACTOR_REQUIRED' })
    expect(session.user?.id).toBe(other.userId)
  })

  test('without onFactor rejects with the challenge, which completeLogin answers', async () => {
    const account = await signUpWithTotp(server)
    const { session } = open()
    const error = await session.login(account).catch(error => error)
    expect(error).toBeInstanceOf(SessionError)
    expect(error).toMatchObject({
      code: 'SECOND_FACTOR_REQUIRED',
      extensions: { challenge: expect.any(String), methods: ['TOTP', 'RECOVERY_CODE'] },
    })
    const { challenge } = error.extensions
    await expect(
      session.completeLogin({ challenge, factor: { totp: wrongCode(account.secret) } }),
    ).rejects.toMatchObject({ reason: 'CODE_INVALID' })
    const [recoveryCode = ''] = account.recoveryCodes
    await expect(session.completeLogin({ challenge, factor: { recoveryCode } })).resolves.toMatchObject({
      id: account.userId,
    })
    expect(session.state.status).toBe('signedIn')
  })

  test('opens no session when the user logs out while the app asks, and sends no answer', async () => {
    const account = await signUpWithTotp(server)
    const before = (await sessionsOf(account)).length
    const answer = later<FactorAnswer>()
    const { session, network, onFactor, storage } = open(() => answer.promise)
    const login = session.login(account).catch(error => error)
    await until(() => onFactor.mock.calls.length === 1)
    await session.logout()
    answer.settle({ totp: codeOf(account.secret) })
    expect(await login).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT' })
    expect(network.sentWith('completeLogin')).toHaveLength(0)
    expect(await sessionsOf(account)).toHaveLength(before)
    expect(storage.has('annul.token')).toBe(false)
  })

  test('ends the session again when the user logs out while the answer is under way', async () => {
    const account = await signUpWithTotp(server)
    const { session, network, storage } = open(() => ({ totp: codeOf(account.secret) }))
    const held = later<void>()
    network.fail('completeLogin', held.promise)
    const login = session.login(account).catch(error => error)
    await until(() => network.held() === 1)
    const logout = session.logout()
    held.settle()
    expect(await login).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT' })
    await logout
    expect(session.state.status).toBe('signedOut')
    expect(storage.has('annul.token')).toBe(false)
    expect((await sessionsOf(account))[0]).toMatchObject({ end_reason: 'LOGGED_OUT' })
  })

  test('holds up no other tab while the user looks for the code, and tells every tab', async () => {
    const [one, other] = [await signUpWithTotp(server), await server.signUp()]
    const answer = later<FactorAnswer>()
    const { session, storage, onFactor } = open(() => answer.promise)
    const tab = openSession({ endpoint: server.endpoint, storage })
    await session.login(other)
    await until(() => tab.user?.id === other.userId)
    const login = session.login(one)
    await until(() => onFactor.mock.calls.length === 1)
    // Under a lock that the question held, this would wait for 15 seconds.
    const first = await Promise.race([tab.refresh(), pause(10_000).then(() => 'held up')])
    expect(first).toMatchObject({ status: 'signedIn' })
    answer.settle({ totp: codeOf(one.secret) })
    await login
    await until(() => tab.user?.id === one.userId)
    await expect(ask(tab, server.endpoint, '{ me { id } }')).resolves.toMatchObject({
      data: { me: { id: one.userId } },
    })
  })

  test('sends an answer once, because a challenge is used once', async () => {
    const account = await signUpWithTotp(server)
    const { session, network } = open(() => ({ totp: codeOf(account.secret) }))
    network.fail('completeLogin', 'unanswered')
    await expect(session.login(account)).rejects.toMatchObject({ code: 'UNAVAILABLE', recover: 'RETRY' })
    expect(network.sentWith('completeLogin')).toHaveLength(1)
  })
})

test('a new password is set together with the second factor, and the link is good until then', async () => {
  const account = await signUpWithTotp(server)
  const answers: (FactorAnswer | null)[] = [null, { totp: codeOf(account.secret) }]
  const { session, onFactor } = open(() => answers.shift() ?? null)
  await session.fetch(server.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `mutation { requestPasswordReset(email: "${account.email}") }` }),
  })
  await emptied(server)
  const text = (await mailFiles(server, account.email)).at(-1)?.text ?? ''
  const [token = ''] = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/m.exec(text) ?? []
  noteSecrets(token)
  const input = { token, newPassword: 'words that nobody has used before' }
  await expect(session.resetPassword(input)).rejects.toMatchObject({ code: 'SECOND_FACTOR_REQUIRED' })
  // The password is the former one still.
  await expect(challengeOf(server, account)).resolves.toEqual(expect.any(String))
  await expect(session.resetPassword(input)).resolves.toMatchObject({ id: account.userId })
  expect(onFactor).toHaveBeenCalledTimes(2)
  expect(session.state.status).toBe('signedIn')
  expect((await sessionsOf(account))[0]).toMatchObject({ end_reason: null })
})
