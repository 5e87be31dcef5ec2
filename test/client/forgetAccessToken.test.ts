import { expect, jest, test } from '@jest/globals'
import type { SignedOutReason } from '../../src/client/index.ts'
import { ask, createNetwork, openSession, useClientServer } from './support.ts'

const server = useClientServer()

test('a forgotten access token costs one refresh before the next request, and the session goes on', async () => {
  const account = await server.signUp()
  const network = createNetwork()
  const onSignedOut = jest.fn<(reason: SignedOutReason) => void>()
  const session = openSession({
    endpoint: server.endpoint,
    storage: new Map(),
    fetch: network.fetch,
    onSignedOut,
  })
  await session.login(account)
  const { authorization: former } = await session.headers()
  network.sent.length = 0

  session.forgetAccessToken()
  expect(session.user?.email).toBe(account.email)
  expect(network.sent).toEqual([])

  expect(await ask(session, server.endpoint, '{ secret }')).toMatchObject({ data: { secret: 'secret' } })
  expect(network.sent.map(({ query }) => /refresh\(|secret/.exec(query)?.[0])).toEqual(['refresh(', 'secret'])
  expect((await session.headers()).authorization).not.toBe(former)
  expect(onSignedOut).not.toHaveBeenCalled()
})
