import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { CombinedGraphQLErrors } from '@apollo/client/errors'
import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Client, fetchExchange } from '@urql/core'
import { sql } from 'drizzle-orm'
import { sessionLink } from '../../src/client/apollo.ts'
import type { Session, StepUpAnswer, StepUpQuestion } from '../../src/client/index.ts'
import { sessionExchange } from '../../src/client/urql.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { codeOf, signUpWithTotp, wrongCode } from '../support/factors.ts'
import { ask, createNetwork, openSession, outdate, until, useClientServer } from './support.ts'

/** How often each of the mutations below was carried out. */
const carriedOut = { recent: 0, proved: 0, open: 0 }
const server = useClientServer({
  extension: {
    typeDefs: `
      extend type Query { recent: String @auth(maxAge: 60) proved: String @auth(mfa: true) plain: String @auth }
      extend type Mutation {
        doRecent: Int @auth(maxAge: 60)
        doProved: Int! @auth(mfa: true)
        doOpen: Int
      }`,
    resolvers: {
      Query: { recent: () => 'recent', proved: () => 'proved', plain: () => 'plain' },
      Mutation: {
        doRecent: () => ++carriedOut.recent,
        doProved: () => ++carriedOut.proved,
        doOpen: () => ++carriedOut.open,
      },
    },
  },
})
beforeEach(() => {
  Object.assign(carriedOut, { recent: 0, proved: 0, open: 0 })
})

type Answers = (question: StepUpQuestion) => StepUpAnswer | null | Promise<StepUpAnswer | null>

/** A session that began an hour ago, by a password alone. */
async function open(account: Account & Pick<TokensAnswer, 'refreshToken'>, answer?: Answers) {
  const network = createNetwork()
  const onStepUp = jest.fn(async (question: StepUpQuestion) => {
    // A session that never stopped to ask would keep the test from its end.
    return answer && onStepUp.mock.calls.length < 10 ? answer(question) : null
  })
  const session = openSession({
    endpoint: server.endpoint,
    storage: new Map([['annul.token', account.refreshToken]]),
    fetch: network.fetch,
    ...(answer && { onStepUp }),
  })
  await server.rows(
    sql`update annul.sessions set auth_time = auth_time - interval '1 hour' where user_id = ${account.userId}`,
  )
  await session.refresh()
  return { session, network, onStepUp, asked: () => onStepUp.mock.calls.map(([question]) => question) }
}

/** With an authenticator app; the session was opened without it. */
async function openWithTotp(answer?: (secret: string) => Answers) {
  const { tokens, secret, ...account } = await signUpWithTotp(server)
  const opened = await open({ ...account, ...tokens }, answer?.(secret))
  return { ...opened, account, secret }
}

const query = (session: Session, text: string) => ask(session, server.endpoint, text)
const wanted = (more: object) => ({ code: 'REAUTHENTICATION_REQUIRED', recover: 'REAUTHENTICATE', ...more })

describe('an operation that wants a proof', () => {
  test('is sent once more by itself after the password', async () => {
    const account = await server.signUp()
    const { session, network, asked } = await open(account, () => ({ password: account.password }))
    await expect(query(session, '{ recent plain }')).resolves.toEqual({
      status: 200,
      data: { recent: 'recent', plain: 'plain' },
    })
    expect(asked()).toEqual([{ maxAge: 60, mfa: false, error: undefined }])
    expect(network.sentWith('recent')).toHaveLength(2)
    // The proof lasts: the next operation asks nothing.
    await expect(query(session, 'mutation { doRecent }')).resolves.toMatchObject({ data: { doRecent: 1 } })
    expect(asked()).toHaveLength(1)
  })

  test('is sent once more by itself after a code, where it takes a second factor', async () => {
    const { session, asked } = await openWithTotp(secret => () => ({ totp: codeOf(secret) }))
    await expect(query(session, 'mutation { doProved }')).resolves.toMatchObject({ data: { doProved: 1 } })
    expect(asked()).toEqual([{ maxAge: undefined, mfa: true, error: undefined }])
  })

  test('is answered as it is without onStepUp', async () => {
    const { session, network } = await open(await server.signUp())
    await expect(query(session, '{ recent }')).resolves.toMatchObject({
      data: { recent: null },
      errors: [{ extensions: wanted({ maxAge: 60 }) }],
    })
    expect(network.sentWith('recent')).toHaveLength(1)
    expect(session.state.status).toBe('signedIn')
  })

  test('is answered as it is when the user gives up', async () => {
    const account = await server.signUp()
    const { session, network, asked } = await open(account, () => null)
    await expect(query(session, '{ recent }')).resolves.toMatchObject({
      errors: [{ extensions: wanted({ maxAge: 60 }) }],
    })
    const rejecting = await open(await server.signUp(), () =>
      Promise.reject(new Error('The dialog was closed.')),
    )
    await expect(query(rejecting.session, '{ recent }')).resolves.toMatchObject({
      errors: [{ extensions: wanted({ maxAge: 60 }) }],
    })
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('recent')).toHaveLength(1)
    expect(network.sentWith('reauthenticate')).toHaveLength(0)
  })

  test('asks again after a wrong answer, and tells what was wrong with it', async () => {
    const answers: StepUpAnswer[] = []
    const { session, account, secret, asked } = await openWithTotp(() => () => answers.shift() ?? null)
    answers.push({ password: 'wrong' }, { totp: wrongCode(secret) }, { password: account.password })
    await expect(query(session, '{ recent }')).resolves.toMatchObject({ data: { recent: 'recent' } })
    expect(asked().map(({ error }) => error)).toEqual([
      undefined,
      expect.objectContaining({ code: 'INVALID_CREDENTIALS' }),
      expect.objectContaining({ code: 'BAD_USER_INPUT', reason: 'CODE_INVALID' }),
    ])
  })

  test('is answered as it is when the proof can’t be given now, and asks no second time', async () => {
    const account = await server.signUp()
    const { session, network, asked } = await open(account, () => ({ password: account.password }))
    network.fail('reauthenticate', 'lost')
    await expect(query(session, '{ recent }')).resolves.toMatchObject({
      errors: [{ extensions: wanted({ maxAge: 60 }) }],
    })
    expect(asked()).toHaveLength(1)
  })

  test('asks once, and is sent no third time, when the proof was not enough', async () => {
    const account = await server.signUp()
    const { session, network, asked } = await open(account, () => ({ password: account.password }))
    await expect(query(session, '{ proved }')).resolves.toMatchObject({
      errors: [{ extensions: wanted({ mfa: true }) }],
    })
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('proved')).toHaveLength(2)
  })

  test('is sent once more for a refused token, and once more after the proof', async () => {
    const account = await server.signUp()
    const { session, network, asked } = await open(account, () => ({ password: account.password }))
    await outdate(server, session, account)
    await expect(query(session, '{ recent }')).resolves.toMatchObject({ data: { recent: 'recent' } })
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('recent')).toHaveLength(3)
  })

  test('asks for the factor when one of its fields takes it', async () => {
    const { session, asked } = await openWithTotp(secret => () => ({ totp: codeOf(secret) }))
    await expect(query(session, '{ recent proved }')).resolves.toMatchObject({
      data: { recent: 'recent', proved: 'proved' },
    })
    expect(asked()).toMatchObject([{ mfa: true }])
  })

  test('is not asked for by a request that can’t be sent twice', async () => {
    const account = await server.signUp()
    const { session, asked } = await open(account, () => ({ password: account.password }))
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"query":"{ recent }"}'))
        controller.close()
      },
    })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' }
    const response = await session.fetch(server.endpoint, init as RequestInit)
    expect(await response.json()).toMatchObject({ errors: [{ extensions: wanted({ maxAge: 60 }) }] })
    expect(asked()).toHaveLength(0)
  })
})

describe('a mutation', () => {
  test.each([
    ['mutation { doOpen doRecent }', { recent: 0, proved: 0, open: 1 }],
    ['mutation { doOpen doProved }', { recent: 0, proved: 0, open: 1 }],
    ['mutation { doRecent doOpen }', { recent: 0, proved: 0, open: 1 }],
  ])('of which something was carried out asks nothing, and is not sent again: %s', async (text, expected) => {
    const account = await server.signUp()
    const { session, network, asked } = await open(account, () => ({ password: account.password }))
    await expect(query(session, text)).resolves.toMatchObject({
      errors: [{ extensions: { code: 'REAUTHENTICATION_REQUIRED' } }],
    })
    expect(carriedOut).toEqual(expected)
    expect(asked()).toHaveLength(0)
    expect(network.sentWith(text)).toHaveLength(1)
  })

  test('is carried out as often as it is written', async () => {
    const account = await server.signUp()
    const { session } = await open(account, () => ({ password: account.password }))
    await expect(query(session, 'mutation { a: doRecent b: doRecent }')).resolves.toMatchObject({
      data: { a: 1, b: 2 },
    })
    expect(carriedOut).toEqual({ recent: 2, proved: 0, open: 0 })
  })
})

describe('operations at the same time', () => {
  test('share one question', async () => {
    const account = await server.signUp()
    const { session, asked, network } = await open(account, async () => {
      // All have been refused before the user answers.
      await until(() => network.sentWith('recent').length === 5)
      return { password: account.password }
    })
    const answers = await Promise.all([1, 2, 3, 4, 5].map(i => query(session, `{ q${i}: recent }`)))
    expect(answers.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5].map(i => ({ [`q${i}`]: 'recent' })))
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('reauthenticate')).toHaveLength(1)
  })

  test('share the question that the user gives up', async () => {
    const account = await server.signUp()
    const { session, asked, network } = await open(account, async () => {
      await until(() => network.sentWith('recent').length === 3)
      // The answers to all of them have arrived.
      await new Promise(resolve => setTimeout(resolve, 200))
      return null
    })
    const answers = await Promise.all([1, 2, 3].map(i => query(session, `{ q${i}: recent }`)))
    for (const { errors } of answers) expect(errors).toMatchObject([{ extensions: wanted({ maxAge: 60 }) }])
    expect(asked()).toHaveLength(1)
  })

  test('ask one after another where the first answer is not enough for all', async () => {
    const { session, account, asked, network } = await openWithTotp(secret => async ({ mfa }) => {
      await until(() => network.sentWith('proved').length > 0)
      return mfa ? { totp: codeOf(secret) } : { password: account.password }
    })
    const first = query(session, '{ recent }')
    await until(() => asked().length === 1)
    const answers = await Promise.all([
      first,
      query(session, '{ a: proved }'),
      query(session, '{ b: proved }'),
    ])
    expect(answers.map(({ data }) => data)).toEqual([{ recent: 'recent' }, { a: 'proved' }, { b: 'proved' }])
    expect(asked()).toMatchObject([{ mfa: false }, { mfa: true }])
  })

  test('need no question for an answer that was on its way while the user answered', async () => {
    const account = await server.signUp()
    const { session, asked, network } = await open(account, () => ({ password: account.password }))
    let arrive = () => {}
    network.fail(
      'slow',
      new Promise<void>(resolve => {
        arrive = resolve
      }),
    )
    const slow = query(session, '{ slow: recent }')
    await until(() => network.held() === 1)
    await query(session, '{ recent }')
    arrive()
    await expect(slow).resolves.toMatchObject({ data: { slow: 'recent' } })
    expect(asked()).toHaveLength(1)
  })

  test('go on meanwhile where they want no proof', async () => {
    const account = await server.signUp()
    const { session } = await open(account, async () => {
      await expect(query(session, '{ plain }')).resolves.toMatchObject({ data: { plain: 'plain' } })
      return { password: account.password }
    })
    await expect(query(session, '{ recent }')).resolves.toMatchObject({ data: { recent: 'recent' } })
  })
})

describe('a logout while the app asks', () => {
  test('leaves the answer unsent, and the operation as it is, also when somebody else signs in', async () => {
    const [account, other] = [await server.signUp(), await server.signUp()]
    const { session, network, asked } = await open(account, async () => {
      await session.logout()
      await session.login(other)
      return { password: account.password }
    })
    await expect(query(session, '{ recent }')).resolves.toMatchObject({
      errors: [{ extensions: wanted({ maxAge: 60 }) }],
    })
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('reauthenticate')).toHaveLength(0)
    expect(network.sentWith('recent')).toHaveLength(1)
    expect(session.user?.id).toBe(other.userId)
  })
})

const links: [string, (session: Session, send: typeof fetch) => ApolloLink][] = [
  [
    'the link',
    (session, send) => sessionLink(session).concat(new HttpLink({ uri: server.endpoint, fetch: send })),
  ],
  ['session.fetch', session => new HttpLink({ uri: server.endpoint, fetch: session.fetch })],
]

describe.each(links)('Apollo Client with %s', (_, makeLink) => {
  async function openApollo(answer?: Answers) {
    const account = await server.signUp()
    const opened = await open(account, answer ?? (() => ({ password: account.password })))
    const link = makeLink(opened.session, opened.network.fetch)
    const client = new ApolloClient({ link, cache: new InMemoryCache() })
    return { ...opened, account, client }
  }

  test('sends an operation once more after the proof, and shares the question', async () => {
    const { client, asked, network } = await openApollo()
    const results = await Promise.all([
      client.query({ query: gql`{ one: recent }` }),
      client.query({ query: gql`{ two: recent }` }),
    ])
    expect(results.map(({ data }) => data)).toEqual([{ one: 'recent' }, { two: 'recent' }])
    await client.mutate({ mutation: gql`mutation { doRecent }` })
    expect(carriedOut.recent).toBe(1)
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('recent')).toHaveLength(4)
  })

  test('sends it for a refused token first', async () => {
    const { client, asked, network, session, account } = await openApollo()
    await outdate(server, session, account)
    await expect(client.query({ query: gql`{ recent }` })).resolves.toMatchObject({
      data: { recent: 'recent' },
    })
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('recent')).toHaveLength(3)
  })

  test('gets the first answer when the user gives up, or when something was carried out', async () => {
    const { client, asked, network } = await openApollo(() => null)
    const error = await client.query({ query: gql`{ recent }` }).catch(error => error)
    expect(CombinedGraphQLErrors.is(error)).toBe(true)
    expect(error.errors[0].extensions).toEqual(wanted({ maxAge: 60 }))
    expect(asked()).toHaveLength(1)
    await client.mutate({ mutation: gql`mutation { doOpen doRecent }` }).catch(() => {})
    expect(carriedOut).toEqual({ recent: 0, proved: 0, open: 1 })
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('doOpen')).toHaveLength(1)
  })

  test('asks once when the proof was not enough', async () => {
    const { client, asked, network } = await openApollo()
    const error = await client.query({ query: gql`{ proved }` }).catch(error => error)
    expect(error.errors[0].extensions).toEqual(wanted({ mfa: true }))
    expect(asked()).toHaveLength(1)
    expect(network.sentWith('proved')).toHaveLength(2)
  })
})

test('urql sends an operation once more after the proof, and shares the question', async () => {
  const account = await server.signUp()
  const { session, asked } = await open(account, () => ({ password: account.password }))
  const client = new Client({
    url: server.endpoint,
    preferGetMethod: false,
    exchanges: [sessionExchange(session), fetchExchange],
  })
  const results = await Promise.all([1, 2].map(i => client.query(`{ q${i}: recent }`, {}).toPromise()))
  expect(results.map(({ data }) => data)).toEqual([{ q1: 'recent' }, { q2: 'recent' }])
  const { data } = await client.mutation('mutation { doRecent }', {}).toPromise()
  expect(data).toEqual({ doRecent: 1 })
  expect(asked()).toHaveLength(1)
})

test("the session's own mutations, and those that the app sends by itself, give the proof to the next operation", async () => {
  const { session, secret } = await openWithTotp()
  await session.reauthenticateWith({ totp: codeOf(secret) })
  await expect(query(session, '{ proved recent }')).resolves.toMatchObject({
    data: { proved: 'proved', recent: 'recent' },
  })
  // The proof is of this access token alone.
  await session.refresh()
  await expect(query(session, '{ proved }')).resolves.toMatchObject({ errors: [{}] })
  const { errors } = await query(
    session,
    `mutation { reauthenticateWith(input: { totp: "${codeOf(secret, 1)}" }) { accessToken expiresIn } }`,
  )
  expect(errors).toBeUndefined()
  await expect(query(session, '{ proved }')).resolves.toMatchObject({ data: { proved: 'proved' } })
  await expect(session.reauthenticateWith({ totp: wrongCode(secret) })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    reason: 'CODE_INVALID',
    extensions: { argument: 'input.totp' },
  })
})
