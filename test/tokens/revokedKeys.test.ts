import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { RevocationView } from '../../src/revocation/view.ts'
import { accessTokens } from '../../src/tokens/accessToken.ts'
import { revokeSigningKey } from '../../src/tokens/revokeSigningKey.ts'
import { openSigningKeys, type SigningKeys } from '../../src/tokens/signingKeys.ts'
import { openForge } from '../support/forge.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* The keys of a node whose view hears of a revocation before the node has read the rows. */

const server = useServer()
const view = new RevocationView()
let keys: SigningKeys
let token: string
const secret = () => Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64')
const tell = (kid: string) =>
  view.apply([{ kind: 'key', subject: kid, reason: 'KEY_REVOKED', revokedAt: Date.now() }])

beforeAll(async () => {
  const { db, clock, log } = server.auth.parts
  token = openForge(server, (await server.signUp()).accessToken).make()
  keys = await openSigningKeys(db, secret(), clock.now, log, { revoked: view })
})
afterAll(() => keys.close())

it('an entry of the view is obeyed in the same step, and the next key is read at once', async () => {
  const { config, clock, db } = server.auth.parts
  const tokens = accessTokens({ ...config, keys, now: clock.now })
  const claims = tokens.verify(token)
  if (typeof claims === 'string') throw new Error(claims)
  const { kid } = keys.current()
  let told = 0
  const stop = keys.subscribe(() => told++)
  expect(keys.awaitCurrent()).toBeUndefined()

  tell(kid)
  // Remembered as verified, and refused all the same.
  expect(tokens.verify(token)).toBe('KEY_REVOKED')
  expect(tokens.hasUnknownKey(token)).toBe(false)
  expect(keys.jwks()).toEqual({ keys: [] })
  expect(told).toBe(1)
  // Nothing is signed with it, not even where no other key is known.
  const { iss: _, aud: __, client_id: ___, jti: ____, ...grant } = claims
  expect(() => tokens.sign({ ...grant, iat: Math.floor(clock.now()) })).toThrow(
    expect.objectContaining({ code: 'UNAVAILABLE' }),
  )

  const { signer } = await db.transaction(tx => revokeSigningKey(tx, secret(), undefined, 'ES256', kid))
  await keys.awaitCurrent()
  expect(keys.current().kid).toBe(signer)
  expect(keys.jwks().keys).toMatchObject([{ kid: signer }])
  expect(told).toBe(2)

  // The next time, the rows are there when the view hears of them: nobody has to ask for the new key.
  const next = await db.transaction(tx => revokeSigningKey(tx, secret(), undefined, 'ES256', signer))
  tell(signer)
  await until(() => keys.find(next.signer) !== undefined)
  expect(keys.current().kid).toBe(next.signer)
  expect(told).toBe(4)
  stop()
})
