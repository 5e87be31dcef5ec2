import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors'
import { describe, expect, test } from '@jest/globals'
import { sessionLink } from '../../src/client/apollo.ts'
import type { Session } from '../../src/client/index.ts'
import { createNetwork, openSession, outdate, pause, useClientServer } from './support.ts'

const server = useClientServer()

const setups: [string, (session: Session, send: typeof fetch) => ApolloLink][] = [
  [
    'the link',
    (session, send) => sessionLink(session).concat(new HttpLink({ uri: server.endpoint, fetch: send })),
  ],
  ['session.fetch', session => new HttpLink({ uri: server.endpoint, fetch: session.fetch })],
]

describe.each(setups)('Apollo Client with %s', (kind, makeLink) => {
  async function open() {
    const account = await server.signUp()
    const network = createNetwork()
    const session = openSession({ endpoint: server.endpoint, storage: new Map(), fetch: network.fetch })
    await session.login(account)
    const client = new ApolloClient({ link: makeLink(session, network.fetch), cache: new InMemoryCache() })
    const refuse = () => outdate(server, session, account)
    return { account, network, session, client, refuse }
  }

  test('sends the token, and repeats what was refused for it', async () => {
    const { client, network, refuse } = await open()
    await refuse()
    await expect(client.query({ query: gql`{ open secret }` })).resolves.toMatchObject({
      data: { open: 'open', secret: 'secret' },
    })
    await refuse()
    await expect(
      client.query({ query: gql`{ only: secret }`, fetchPolicy: 'network-only' }),
    ).resolves.toMatchObject({
      data: { only: 'secret' },
    })
    expect(network.sentWith('refresh(')).toHaveLength(2)
  })

  test('refreshes once for many', async () => {
    const { client, network, refuse } = await open()
    await refuse()
    const queries = Array.from({ length: 5 }, (_, i) => client.query({ query: gql(`{ q${i}: secret }`) }))
    await Promise.all(queries)
    expect(network.sentWith('refresh(')).toHaveLength(1)
  })

  test('carries out a mutation once', async () => {
    const { client, refuse } = await open()
    const before = server.bumps()
    await refuse()
    await expect(client.mutate({ mutation: gql`mutation { bump }` })).resolves.toMatchObject({
      data: { bump: before + 1 },
    })
    await refuse()
    await client.mutate({ mutation: gql`mutation { openBump strictBump }` }).catch(() => {})
    expect(server.bumps()).toBe(before + 2)
  })

  test('refreshes at once after a change of password', async () => {
    const { client, account, session, network } = await open()
    const mutation = gql`mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken expiresIn } }`
    const input = { currentPassword: account.password, newPassword: 'another long password' }
    await client.mutate({ mutation, variables: { input } })
    expect(network.sentWith('refresh(')).toHaveLength(1)
    expect(session.state.status).toBe('signedIn')
    await expect(client.query({ query: gql`{ secret }` })).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
  })

  test('leaves the refusal to the app when the session has ended', async () => {
    const { client, account, session } = await open()
    await server.send('mutation { revokeSessions }', { token: (await server.login(account)).accessToken })
    const error = await client.query({ query: gql`{ secret }` }).catch(error => error)
    expect(CombinedGraphQLErrors.is(error) || ServerError.is(error)).toBe(true)
    expect(session.state).toMatchObject({ status: 'signedOut', reason: 'SESSIONS_REVOKED' })
  })

  test('sends nothing for who has lost interest', async () => {
    const { client, network } = await open()
    const before = network.sent.length
    const subscription = client
      .watchQuery({ query: gql`{ secret }`, fetchPolicy: 'network-only' })
      .subscribe({})
    subscription.unsubscribe()
    await pause(30)
    if (kind === 'the link') expect(network.sent.length).toBe(before)
  })
})
