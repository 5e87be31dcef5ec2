import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import connectTo from 'postgres'
import { revokeKey } from '../../../src/admin/revokeKey.ts'
import { onPostgres } from '../../support/database.ts'
import { useSecondNode, useServer } from '../../support/server.ts'
import { until } from '../../support/until.ts'

/* Refreshes that have all connections of a node, while the key is revoked that would sign their tokens. */

// The embedded database carries out one transaction at a time.
const describePostgres = onPostgres ? describe : describe.skip

describePostgres('An app with claims of its own', () => {
  const server = useServer({ app: { claims: () => ({ tenant: 'one' }) }, env: { ANNUL_LEASE_MS: '600' } })
  const other = useSecondNode(server)

  it('has refreshes that do not wait for each other when a key is revoked, and each gets its tokens', async () => {
    const accounts = await Promise.all(Array.from({ length: 12 }, () => server.signUp()))
    const holder = connectTo(server.env.DATABASE_URL ?? '', { max: 1 })
    let answers: Promise<{ code?: string | undefined }>[] = []
    await holder.begin(async tx => {
      await tx`select 1 from annul.sessions for update`
      answers = accounts.map(({ refreshToken }) => server.refresh(refreshToken))
      await until(async () => {
        const waiting = await other.rows(
          sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%update "annul"."sessions"%'`,
        )
        return waiting.length >= 10
      })
      const { kid } = await revokeKey(other.auth.parts, undefined)
      await until(() => server.auth.parts.revocation.view.isKeyRevoked(kid))
    })
    await holder.end()
    expect((await Promise.all(answers)).map(({ code }) => code)).toEqual(accounts.map(() => undefined))
  })
})
