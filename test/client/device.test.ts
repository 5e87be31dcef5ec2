import { expect, test } from '@jest/globals'
import { limited } from '../limits/support.ts'
import { createNetwork, openSession, useClientServer } from './support.ts'

const server = useClientServer({ env: limited })

const deviceOf = (headers: Headers | undefined) => headers?.get('annul-device')

test('the device token is kept beside the refresh token, survives a logout, and goes with the own mutations', async () => {
  const account = await server.signUp()
  const storage = new Map<string, string>()
  const network = createNetwork()
  const session = openSession({ endpoint: server.endpoint, storage, fetch: network.fetch })
  await session.login(account)
  const token = storage.get('annul.device')
  expect(token).toMatch(/^annul_d_/)
  expect(deviceOf(network.sentWith('login(')[0]?.headers)).toBe('')
  await session.refresh()
  await session.logout()
  expect([...storage.keys()]).toContain('annul.device')
  // Not where the session is known anyway.
  for (const field of ['refresh(', 'logout('])
    expect(deviceOf(network.sentWith(field)[0]?.headers)).toBeNull()

  // Somebody else, at the same address, tries until the account is refused.
  const attacker = openSession({ endpoint: server.endpoint, storage: new Map() })
  for (let tries = 0; tries < 5; tries++)
    await attacker.login({ email: account.email, password: 'not the password' }).catch(() => {})
  await expect(
    openSession({ endpoint: server.endpoint, storage: new Map(), retryMs: 0 }).login(account),
  ).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })

  const again = openSession({ endpoint: server.endpoint, storage, fetch: network.fetch })
  await again.login(account)
  expect(again.state.status).toBe('signedIn')
  expect(deviceOf(network.sentWith('login(')[1]?.headers)).toBe(token)
  expect(storage.get('annul.device')).toBe(token)
})

test('a storage that fails does not keep anybody from signing in', async () => {
  const account = await server.signUp()
  const values = new Map<string, string>()
  const storage = {
    get: (key: string) => {
      if (key.endsWith('.device')) throw new Error('The storage is locked.')
      return values.get(key)
    },
    set: (key: string, value: string) => {
      if (key.endsWith('.device')) throw new Error('The storage is full.')
      values.set(key, value)
    },
    delete: (key: string) => values.delete(key),
  }
  const session = openSession({ endpoint: server.endpoint, storage: storage as never })
  await session.login(account)
  expect(session.state.status).toBe('signedIn')
})
