import { describe, expect, it, jest } from '@jest/globals'
import { createClient } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { type TestServer, useServer } from '../support/server.ts'
import { attempts, fiftyAttempts, hashesOf, newEmail, useLimitedServer } from './support.ts'

jest.setTimeout(300_000)

const first = useLimitedServer({ extension: attempts })
const second = useFurtherNode()
const third = useFurtherNode()

/** The embedded database serves a single process. */
function useFurtherNode(): TestServer {
  return onPostgres
    ? useServer(() => ({ database: first.database, env: first.env, extension: attempts }))
    : first
}

const requests = 50
const aliases = 50
/** Seconds in which time gives one attempt back (account-address). */
const leakSeconds = 180

const total = async (nodes: readonly TestServer[]) =>
  (await Promise.all(nodes.map(hashesOf))).reduce((sum, count) => sum + count, 0)

describe('50 requests at once with 50 aliases each, on 3 nodes, (ASVS 5.0 6.3.1)', () => {
  it.each(['an account', 'no account'])(
    'hash exactly as many passwords as the budget has, for %s',
    async kind => {
      const nodes = [...new Set([first, second, third])]
      const email = kind === 'an account' ? (await first.signUp()).email : newEmail()
      const input = { email, password: 'not the password' }
      const before = await total(nodes)
      const startedAt = performance.now()

      const answers = await Promise.all(
        Array.from({ length: requests }, (_, index) => {
          const node = nodes[index % nodes.length] ?? first
          return createClient(node.url).send(fiftyAttempts, { variables: { input } })
        }),
      )

      const hashes = (await total(nodes)) - before
      const leaked = Math.floor((performance.now() - startedAt) / 1000 / leakSeconds)
      const codes = answers.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions.code))
      expect(codes).toHaveLength(requests * aliases)
      const count = (code: string) => codes.filter(found => found === code).length
      // A busy machine may miss a deadline of the database. Such an attempt is refused, whether or not it was charged.
      const unavailable = count('UNAVAILABLE')
      expect(count('INVALID_CREDENTIALS') + count('TOO_MANY_REQUESTS') + unavailable).toBe(codes.length)
      expect(count('INVALID_CREDENTIALS')).toBeLessThanOrEqual(hashes)
      expect(hashes).toBeGreaterThanOrEqual(5 - unavailable)
      expect(hashes).toBeLessThanOrEqual(5 + leaked)
    },
  )
})
