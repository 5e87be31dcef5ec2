import { expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import {
  attempts,
  deviceOf,
  fiftyAttempts,
  hashesOf,
  headersOf,
  keysOf,
  logIn,
  newAddress,
  useLimitedServer,
} from './support.ts'

jest.setTimeout(300_000)

const server = useLimitedServer({ extension: attempts })

const requests = 200
const aliases = 50

it('10,000 attempts of an attacker, from the owner’s address too, and the owner signs in at the first try (ASVS 5.0 6.1.1)', async () => {
  const { email, password } = await server.signUp()
  const home = newAddress()
  const device = deviceOf(await logIn(server, { email, password }, { from: home }))
  // A device that was never used for this account, as the attacker's is.
  const stranger = deviceOf(await logIn(server, await server.signUp(), { from: newAddress() }))
  const before = await hashesOf(server)
  const input = { email, password: 'not the password' }
  const owner: (string | undefined)[] = []

  let sent = 0
  const flood = async () => {
    while (sent < requests) {
      const from = sent++ % 2 === 0 ? home : newAddress()
      const headers = headersOf({ from, ...(sent % 3 === 0 && { device: stranger }) })
      const { errors } = await server.send(fiftyAttempts, { variables: { input }, headers })
      expect(errors).toHaveLength(aliases)
      // The owner comes in the midst of it, and has no luck to thank for it.
      if (sent % 40 === 0) owner.push((await logIn(server, { email, password }, { from: home, device })).code)
    }
  }
  await Promise.all(Array.from({ length: 8 }, flood))

  // What was hashed: 10 wrong passwords, and what time gave back meanwhile; and the owner's.
  expect((await hashesOf(server)) - before - owner.length).toBeLessThan(20)
  expect(owner.length).toBeGreaterThan(0)
  expect(new Set(owner)).toEqual(new Set([undefined]))
  // The account's failures in a row are used up as well.
  if (onPostgres)
    await server.rows(
      sql`update annul.budgets set failures = 10000 where key = ${keysOf(server)('account', email)}`,
    )
  expect((await logIn(server, { email, password }, { from: home, device })).errors).toBeUndefined()
})

it('without the device token, the owner is refused like the attacker', async () => {
  const { email, password } = await server.signUp()
  const home = newAddress()
  const device = deviceOf(await logIn(server, { email, password }, { from: home }))
  for (let tries = 0; tries < 5; tries++)
    await logIn(server, { email, password: 'not the password' }, { from: home })
  expect((await logIn(server, { email, password }, { from: home })).code).toBe('TOO_MANY_REQUESTS')
  expect((await logIn(server, { email, password }, { from: home, device: device.slice(0, -1) })).code).toBe(
    'TOO_MANY_REQUESTS',
  )
  expect((await logIn(server, { email, password }, { from: home, device })).errors).toBeUndefined()
})
