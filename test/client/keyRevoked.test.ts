import { expect, jest, test } from '@jest/globals'
import { revokeKey } from '../../src/admin/revokeKey.ts'
import type { SignedOutReason } from '../../src/client/index.ts'
import { ask, openSession, useClientServer } from './support.ts'

const server = useClientServer()

test('a client whose token a revoked key has signed refreshes, and its user notices nothing', async () => {
  const account = await server.signUp()
  const onSignedOut = jest.fn<(reason: SignedOutReason) => void>()
  const session = openSession({ endpoint: server.endpoint, storage: new Map(), onSignedOut })
  await session.login(account)
  await revokeKey(server.auth.parts, undefined)
  expect(await ask(session, server.endpoint, '{ secret }')).toMatchObject({ data: { secret: 'secret' } })
  expect(onSignedOut).not.toHaveBeenCalled()
})
