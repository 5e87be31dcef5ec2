import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { accessTokens } from '../../src/tokens/accessToken.ts'
import { rotateSigningKeys } from '../../src/tokens/rotateSigningKeys.ts'
import { openSigningKeys } from '../../src/tokens/signingKeys.ts'
import { type Forge, openForge, refusal, type Verdict } from '../support/forge.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
let accessToken: string
let forge: Forge
beforeAll(async () => {
  accessToken = (await server.signUp()).accessToken
  forge = openForge(server, accessToken)
})

const secret = () => Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64')
const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

/** The keys of a node that will be asked in so many seconds. */
const keysIn = (seconds: number) => {
  const { db, clock, log } = server.auth.parts
  return openSigningKeys(db, secret(), () => clock.now() + seconds, log)
}

/** Presents a token until the answer is another one: a node that has just read its keys does not for a second. */
async function presentWhile(verdict: Verdict, token: string, poke: () => Promise<unknown> = async () => {}) {
  let answer = await forge.present(token)
  for (const deadline = Date.now() + 5000; Date.now() < deadline; await delay(50)) {
    if (JSON.stringify(answer) !== JSON.stringify(verdict)) break
    await poke()
    answer = await forge.present(token)
  }
  return answer
}

/** Makes the node read its keys. */
const inventKid = () => forge.present(forge.make({ header: { kid: randomUUID() } }))

async function publishedKids() {
  const response = await fetch(`${server.url}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid).sort()
}

describe('a rotated key', () => {
  let kid: string

  it('signs after a minute, when every node knows it', async () => {
    kid = (await server.auth.parts.db.transaction(tx => rotateSigningKeys(tx, secret()))) ?? ''
    expect(kid).not.toBe(kidOf(accessToken))
    for (const [seconds, signer] of [
      [0, kidOf(accessToken)],
      [55, kidOf(accessToken)],
      [61, kid],
    ] as const) {
      const keys = await keysIn(seconds)
      keys.close()
      expect(keys.current().kid).toBe(signer)
    }
  })

  it('is learnt by a node that meets it, and leaves old tokens valid', async () => {
    const keys = await keysIn(61)
    const { iss: _, aud: __, client_id: ___, jti: ____, ...grant } = forge.claims
    const token = accessTokens({ ...server.auth.parts.config, keys, now: () => grant.iat }).sign(grant)
    keys.close()
    expect(kidOf(token)).toBe(kid)
    expect(await presentWhile(refusal(), token)).toEqual(forge.accepted)
    expect(await forge.present(accessToken)).toEqual(forge.accepted)
    expect(await publishedKids()).toEqual([kid, kidOf(accessToken)].sort())
  })

  it('is followed by the end of the old one, when the last token that it signed is over', async () => {
    const retire = (seconds: number) =>
      server.rows(
        sql`update annul.signing_keys
          set signs_from = now() - interval '2 hours', retired_at = now() - make_interval(secs => ${seconds})
          where id = ${kidOf(accessToken)}`,
      )
    await retire(3700)
    const kept = await keysIn(0)
    kept.close()
    expect(kept.find(kidOf(accessToken))?.kid).toBe(kidOf(accessToken))

    await retire(3730)
    // The node has verified this very token before, and remembers that no longer than its key.
    expect(await presentWhile(forge.accepted, accessToken, inventKid)).toEqual(refusal())
    expect(await publishedKids()).toEqual([kid])
  })
})
