import { describe, expect, test } from '@jest/globals'
import { openAttempts } from '../../src/client/tokens/attempts.ts'
import { createSlowStorage } from './support.ts'

describe('attempts in a storage', () => {
  test('are put only if absent, and kept for whoever opens the storage next', async () => {
    const storage = new Map<string, string>()
    const claimed = await openAttempts(storage, 'annul').claim('token')
    expect(claimed).toMatch(/^[0-9a-f]{36}$/)
    await expect(openAttempts(storage, 'annul').claim('token')).resolves.toBe(claimed)
    await expect(openAttempts(storage, 'annul').claim('other')).resolves.not.toBe(claimed)
    await expect(openAttempts(storage, 'another').find('token')).resolves.toBeUndefined()
  })

  test('are the same for all who ask at once, however slow the storage is', async () => {
    const storage = createSlowStorage()
    const claims = await Promise.all(
      Array.from({ length: 10 }, () => openAttempts(storage, 'annul').claim('token')),
    )
    expect(new Set(claims).size).toBe(1)
  })

  test('fit into a keychain’s 2 kB, and more than the server itself remembers are kept', async () => {
    const storage = new Map<string, string>()
    const attempts = openAttempts(storage, 'annul')
    for (let i = 0; i < 50; i++) await attempts.claim(String(i).padStart(64, '0'))
    const kept = storage.get('annul.attempts') ?? ''
    expect(kept.length).toBeLessThan(2048)
    expect(JSON.parse(kept)).toHaveLength(12)
  })

  test('begin anew where the storage holds something else', async () => {
    const storage = new Map([['annul.attempts', 'not json']])
    const attempts = openAttempts(storage, 'annul')
    await expect(attempts.claim('token')).resolves.toBe(await attempts.claim('token'))
  })

  test('are made also when nothing can be kept', async () => {
    const broken = {
      getItem: () => Promise.reject(new Error('The keychain is locked.')),
      setItem: () => Promise.reject(new Error('The keychain is locked.')),
      removeItem: () => Promise.reject(new Error('The keychain is locked.')),
    }
    await expect(openAttempts(broken, 'annul').claim('token')).resolves.toMatch(/^[0-9a-f]{36}$/)
  })
})
