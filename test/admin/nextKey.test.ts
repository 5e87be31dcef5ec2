import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { revokeSigningKey } from '../../src/tokens/revokeSigningKey.ts'
import { loadSecrets } from '../../src/tokens/secret.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* The moment after a signing key was revoked: the node knows that the key is dead, and has not read the next one. */

// The embedded database carries out one transaction at a time.
const describePostgres = onPostgres ? describe : describe.skip
const kidOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

describePostgres('While the next signing key is being read', () => {
  const server = useServer({ env: { ANNUL_LEASE_MS: '600' } })

  it('login, register and refresh wait for it', async () => {
    const account = await server.signUp()
    const { config, db, revocation } = server.auth.parts
    const { secret } = await loadSecrets(config)
    const { kid, signer } = await db.transaction(tx =>
      revokeSigningKey(tx, secret, undefined, 'ES256', undefined),
    )
    let release = () => {}
    const released = new Promise<void>(resolve => (release = resolve))
    let hold = () => {}
    const isHeld = new Promise<void>(resolve => (hold = resolve))
    const holder = db.transaction(async tx => {
      await tx.execute(sql`lock table annul.signing_keys in access exclusive mode`)
      hold()
      // At most as long as PostgreSQL lets a transaction wait.
      await Promise.race([released, delay(2000)])
    })
    await isHeld
    await server.rows(
      sql`insert into annul.revocations (kind, subject, reason) values ('key', ${kid}, 'KEY_REVOKED')`,
    )
    await until(() => revocation.view.isKeyRevoked(kid))
    const answers = [server.login(account), server.signUp(), server.refresh(account.refreshToken)]
    const early = await Promise.race([...answers, delay(800, 'none', { ref: false })])
    release()
    await holder
    expect(early).toBe('none')
    const [signedIn, registered, refreshed] = await Promise.all(answers)
    const tokens = [signedIn, registered].map(answer => Reflect.get(answer ?? {}, 'accessToken'))
    tokens.push(Reflect.get(refreshed ?? {}, 'data')?.refresh.accessToken)
    expect(tokens.map(token => kidOf(token))).toEqual([signer, signer, signer])
  })
})
