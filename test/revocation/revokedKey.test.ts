import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { openStrictReader } from '../../src/decisions/strictReader.ts'
import { judgeStanding, type Standing } from '../../src/revocation/standing.ts'
import type { TestServer } from '../support/server.ts'
import { useServer } from '../support/server.ts'

/* What the rows say of a token whose signing key was revoked, before the node's view or its keys tell. */

const decidesStrictly = useServer({ env: { ANNUL_REVOCATION: 'strict' } })
const decidesByView = useServer()

const setRevoked = ({ rows }: Pick<TestServer, 'rows'>, at: 'now()' | 'null') =>
  rows(sql.raw(`update annul.signing_keys set revoked_at = ${at}`))
afterEach(async () => {
  for (const server of [decidesStrictly, decidesByView]) await setRevoked(server, 'null')
})

describe('a revoked signing key', () => {
  it('is read by the strict path with the next request, and refuses with its own reason', async () => {
    const { accessToken, userId } = await decidesStrictly.signUp()
    const ask = () => decidesStrictly.send('{ me { id } }', { token: accessToken })
    expect((await ask()).data).toEqual({ me: { id: userId } })
    await setRevoked(decidesStrictly, 'now()')
    expect(await ask()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', reason: 'KEY_REVOKED' })
  })

  it('is read by the fence, so that nothing commits for its tokens', async () => {
    const { accessToken, refreshToken } = await decidesByView.signUp()
    await setRevoked(decidesByView, 'now()')
    const answer = await decidesByView.send('mutation { revokeSessions }', { token: accessToken })
    expect(answer).toMatchObject({ data: null, code: 'UNAUTHENTICATED', reason: 'KEY_REVOKED' })
    await setRevoked(decidesByView, 'null')
    expect((await decidesByView.refresh(refreshToken)).errors).toBeUndefined()
  })

  it('says nothing about tokens of other keys, in one statement with those of the revoked one', async () => {
    const { accessTokens, decisions, clock } = decidesByView.auth.parts
    const { accessToken } = await decidesByView.signUp()
    const claims = accessTokens.verify(accessToken)
    if (typeof claims === 'string') throw new Error(claims)
    await setRevoked(decidesByView, 'now()')
    const strict = openStrictReader(decisions, clock)
    // A copy of the claims has no key: so has a former system's token.
    expect(await Promise.all([strict.verdict(claims), strict.verdict({ ...claims })])).toEqual([
      'KEY_REVOKED',
      undefined,
    ])
  })

  it('weighs more than every other reason', () => {
    const claims = { sub: '', sid: '', ver: 0, epoch: 0, exp: 1 }
    const standing: Standing = {
      ...{ key_revoked: true, token_version: 1, token_reason: 'USER_BLOCKED', session_found: true },
      ...{ session_ended: true, end_reason: 'LOGGED_OUT', epoch: 1, time: 2 },
    }
    expect(judgeStanding(claims, standing)).toBe('KEY_REVOKED')
    expect(judgeStanding(claims, { ...standing, key_revoked: false })).toBe('TOKEN_EXPIRED')
  })
})
