import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { IDBFactory } from 'fake-indexeddb'
import type { SignedOutReason } from '../../src/client/index.ts'
import { openAttempts } from '../../src/client/tokens/attempts.ts'
import { createNetwork, createSlowStorage, openSession, useClientServer } from './support.ts'

const page = globalThis as { indexedDB?: unknown }
const server = useClientServer()
beforeEach(() => {
  page.indexedDB = new IDBFactory()
})
afterEach(() => {
  delete page.indexedDB
})

describe('attempts in IndexedDB', () => {
  test('are the same for all who ask at once, whatever storage object they have', async () => {
    const claims = await Promise.all(
      Array.from({ length: 10 }, () => openAttempts(new Map(), 'annul').claim('token')),
    )
    expect(new Set(claims).size).toBe(1)
    expect(claims[0]).toMatch(/^[0-9a-f]{36}$/)
    await expect(openAttempts(new Map(), 'annul').find('token')).resolves.toBe(claims[0])
    await expect(openAttempts(new Map(), 'annul').find('other')).resolves.toBeUndefined()
  })

  test('do not grow, and the latest 64 are kept', async () => {
    const attempts = openAttempts(new Map(), 'annul')
    const first = await attempts.claim('first')
    for (let i = 0; i < 63; i++) await attempts.claim(`token ${i}`)
    expect(await attempts.find('first')).toBe(first)
    await attempts.claim('token 63')
    expect(await attempts.find('first')).toBeUndefined()
    expect(await attempts.find('token 0')).toBeDefined()
  })

  test('go to the storage when the database fails, and then have no rival when it works again', async () => {
    const storage = new Map<string, string>()
    const attempts = openAttempts(storage, 'annul')
    const working = page.indexedDB
    page.indexedDB = {
      open() {
        throw new Error('SecurityError')
      },
    }
    const claimed = await attempts.claim('token')
    expect(storage.get('annul.attempts')).toBe(JSON.stringify([['token', claimed]]))
    page.indexedDB = working
    await expect(attempts.claim('token')).resolves.toBe(claimed)
  })

  test('are remembered nowhere else when they can be kept there', async () => {
    const storage = new Map<string, string>()
    await openAttempts(storage, 'annul').claim('token')
    expect(storage.size).toBe(0)
  })

  test('keep tabs without locks signed in, whatever answers are lost, and never make them look like thieves', async () => {
    const account = await server.signUp()
    const values = createSlowStorage()
    const network = createNetwork()
    const onSignedOut = jest.fn<(reason: SignedOutReason) => void>()
    // Each tab has its own object for the one storage, so that nothing makes them take turns.
    const tabs = Array.from({ length: 4 }, () => {
      const { getItem, setItem, removeItem } = values
      const storage = { getItem, setItem, removeItem }
      return openSession({ endpoint: server.endpoint, storage, fetch: network.fetch, onSignedOut })
    })
    const [first] = tabs
    await first?.login(account)
    const random = createRandom(7)
    for (let round = 0; round < 30; round++) {
      if (random() < 0.5) network.fail('refresh(', random() < 0.5 ? 'unanswered' : 'lost')
      const some = tabs.filter(() => random() < 0.6)
      await Promise.all(some.map(tab => tab.refresh()))
    }
    expect(onSignedOut.mock.calls).toEqual([])
    await Promise.all(tabs.map(tab => tab.refresh()))
    expect(tabs.map(({ state }) => state.status)).toEqual(Array(4).fill('signedIn'))
  }, 90_000)
})

/** Lehmer's, so that a run can be repeated. @returns from 0 to 1 */
function createRandom(start: number): () => number {
  let state = start
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return state / 2_147_483_647
  }
}
