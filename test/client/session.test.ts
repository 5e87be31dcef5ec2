import { describe, expect, jest, test } from '@jest/globals'
import { SessionError, type SignedOutReason } from '../../src/client/index.ts'
import { ask, createNetwork, createSlowStorage, openSession, useClientServer } from './support.ts'

const server = useClientServer()

describe('session', () => {
  test('signs in, sends the access token, and keeps nothing but refresh token, device token and attempts', async () => {
    const account = await server.signUp()
    const storage = new Map<string, string>()
    const session = openSession({ endpoint: server.endpoint, storage })
    expect(session.state).toEqual({ status: 'restoring', user: null, reason: null })
    await expect(session.ready).resolves.toEqual({ status: 'signedOut', user: null, reason: null })

    const user = await session.login(account)

    expect(user).toEqual({
      id: account.userId,
      email: account.email,
      emailVerified: false,
      roles: [],
      scopes: [],
    })
    expect(session.state).toEqual({ status: 'signedIn', user, reason: null })
    expect(session.user).toBe(session.state.user)
    await expect(ask(session, server.endpoint, '{ me { id } }')).resolves.toMatchObject({
      data: { me: { id: user.id } },
    })
    expect([...storage.keys()].sort()).toEqual(['annul.device', 'annul.token'])
    expect(storage.get('annul.device')).toMatch(/^annul_d_/)
    expect(storage.get('annul.token')).toMatch(/^annul_rt_/)
  })

  test('refuses to sign in with the server’s own words', async () => {
    const account = await server.signUp()
    const session = openSession({ endpoint: server.endpoint, storage: new Map() })
    const error = await session
      .login({ email: account.email, password: 'something else' })
      .catch(error => error)
    expect(error).toBeInstanceOf(SessionError)
    expect(error).toMatchObject({
      code: 'INVALID_CREDENTIALS',
      reason: undefined,
      recover: undefined,
      message: 'The e-mail or the password is wrong.',
    })
    expect(session.state.status).toBe('signedOut')
  })

  test('registers, and says what is wrong with the input', async () => {
    const session = openSession({ endpoint: server.endpoint, storage: new Map() })
    const email = `new-${Math.random()}@example.com`
    await expect(session.register({ email, password: 'short' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      reason: 'PASSWORD_TOO_SHORT',
      extensions: { argument: 'input.password' },
    })
    await expect(session.register({ email, password: 'a long enough password' })).resolves.toMatchObject({
      email,
    })
    expect(session.state.status).toBe('signedIn')
  })

  test.each(['a Map', 'an asynchronous storage'])('is restored after a reload from %s', async kind => {
    const account = await server.signUp()
    const storage = kind === 'a Map' ? new Map<string, string>() : createSlowStorage()
    await openSession({ endpoint: server.endpoint, storage }).login(account)

    const session = openSession({ endpoint: server.endpoint, storage })

    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
    await expect(session.ready).resolves.toMatchObject({ status: 'signedIn', user: { id: account.userId } })
  })

  test('signs out here at once and on the server, and tells why', async () => {
    const account = await server.signUp()
    const storage = new Map<string, string>()
    const onSignedOut = jest.fn<(reason: SignedOutReason) => void>()
    const session = openSession({ endpoint: server.endpoint, storage, onSignedOut })
    await session.login(account)
    const states: string[] = []
    session.subscribe(state => states.push(state.status))

    const done = session.logout()
    expect(session.state).toEqual({ status: 'signedOut', user: null, reason: 'LOGGED_OUT' })
    await expect(done).resolves.toBe(true)

    expect(storage.has('annul.token')).toBe(false)
    expect(states).toEqual(['signedOut'])
    expect(onSignedOut.mock.calls).toEqual([['LOGGED_OUT']])
    expect((await server.sessions())[0]).toMatchObject({ end_reason: 'LOGGED_OUT' })
    await expect(ask(session, server.endpoint, '{ open secret }')).resolves.toMatchObject({
      data: { open: 'open', secret: null },
      errors: [{ extensions: { reason: 'TOKEN_MISSING' } }],
    })
  })

  test('forgets its tokens also when the server cannot be told, and says so', async () => {
    const account = await server.signUp()
    const network = createNetwork()
    const storage = new Map<string, string>()
    const session = openSession({ endpoint: server.endpoint, storage, fetch: network.fetch, retryMs: 0 })
    await session.login(account)
    network.fail('logout', 'lost')
    await expect(session.logout()).resolves.toBe(false)
    expect(storage.has('annul.token')).toBe(false)
    expect(session.state.status).toBe('signedOut')
  })

  test('changes the password and makes copies of the old refresh token useless at once', async () => {
    const account = await server.signUp()
    const storage = new Map<string, string>()
    const session = openSession({ endpoint: server.endpoint, storage })
    await session.login(account)
    const copied = storage.get('annul.token') ?? ''

    await session.changePassword({ currentPassword: account.password, newPassword: 'another long password' })

    expect(storage.get('annul.token')).not.toBe(copied)
    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
    await expect(server.refresh(copied, 'a'.repeat(22))).resolves.toMatchObject({ reason: 'REFRESH_REUSED' })
  })

  test.each([
    'mutation { revokeOtherSessions { session { id } } }',
    'mutation { again: revokeOtherSessions { accessToken expiresIn } }',
  ])('draws the same conclusion when the app sends %s by itself', async query => {
    const account = await server.signUp()
    const storage = new Map<string, string>()
    const session = openSession({ endpoint: server.endpoint, storage })
    await session.login(account)
    const before = storage.get('annul.token')
    await expect(ask(session, server.endpoint, query)).resolves.toMatchObject({ status: 200 })
    expect(storage.get('annul.token')).not.toBe(before)
    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
  })

  test('keeps what reauthenticate has proved until that token ends', async () => {
    const account = await server.signUp()
    const session = openSession({ endpoint: server.endpoint, storage: new Map() })
    await session.login(account)
    const authTime = async () => {
      const { authorization = '' } = await session.headers()
      return JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString())
        .auth_time as number
    }
    const before = await authTime()
    await new Promise(resolve => setTimeout(resolve, 1100))
    await session.reauthenticate(account.password)
    expect(await authTime()).toBeGreaterThan(before)
    await expect(session.reauthenticate('wrong')).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(await authTime()).toBeGreaterThan(before)
  })

  test('a logout wins over a login that is still under way', async () => {
    const account = await server.signUp()
    const network = createNetwork()
    const storage = new Map<string, string>()
    const session = openSession({ endpoint: server.endpoint, storage, fetch: network.fetch })
    await session.ready
    let answer = () => {}
    network.fail(
      'login',
      new Promise<void>(resolve => {
        answer = resolve
      }),
    )
    const login = session.login(account).catch(error => error)
    const logout = session.logout()
    answer()
    expect(await login).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT' })
    await logout
    expect(session.state.status).toBe('signedOut')
    expect(storage.has('annul.token')).toBe(false)
    expect((await server.sessions())[0]).toMatchObject({ end_reason: 'LOGGED_OUT' })
  })

  test('a login that follows a logout without waiting for it is the last word', async () => {
    const account = await server.signUp()
    const session = openSession({ endpoint: server.endpoint, storage: createSlowStorage() })
    await session.login(account)
    const logout = session.logout()
    await session.login(account)
    await logout
    expect(session.state.status).toBe('signedIn')
    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
  })

  test('tries a login again when its answer was lost', async () => {
    const account = await server.signUp()
    const network = createNetwork()
    network.fail('login', 'unanswered', 'busy')
    const session = openSession({ endpoint: server.endpoint, storage: new Map(), fetch: network.fetch })
    await expect(session.login(account)).resolves.toMatchObject({ id: account.userId })
    expect(network.sentWith('login')).toHaveLength(3)
  })

  test('does not try a register again when its answer was lost, because that would say EMAIL_TAKEN', async () => {
    const network = createNetwork()
    network.fail('register', 'unanswered')
    const session = openSession({ endpoint: server.endpoint, storage: new Map(), fetch: network.fetch })
    const input = { email: `lost-${Math.random()}@example.com`, password: 'a long enough password' }
    await expect(session.register(input)).rejects.toMatchObject({ code: 'UNAVAILABLE', recover: 'RETRY' })
    expect(network.sentWith('register')).toHaveLength(1)
  })

  test('says at construction what can never work', () => {
    const create = (options: object) => () => openSession(options as never)
    expect(create({ endpoint: 'graphql' })).toThrow(
      new TypeError('createSession: no http(s) endpoint: graphql'),
    )
    expect(create({ endpoint: server.endpoint, storage: { getItem() {} } })).toThrow(
      new TypeError('createSession: storage without setItem'),
    )
    expect(create({ endpoint: server.endpoint, storage: 'cookie' })).toThrow(
      new TypeError('createSession: cookies need a page on its host'),
    )
  })
})
