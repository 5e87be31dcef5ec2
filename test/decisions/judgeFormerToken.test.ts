import { describe, expect, it } from '@jest/globals'
import { judgeFormerToken } from '../../src/decisions/judgeFormerToken.ts'
import type { UserStanding } from '../../src/decisions/strictReader.ts'

/* What the rows of one moment say about a former system's token. Through a server: formerTokens.test.ts. */

const time = 1_800_000_000
const token = {
  userId: '0b0e7a52-3c6f-4d3b-9b5e-2f0d3a1c4e5f',
  issuer: 'https://former.example.com',
  audience: 'shop',
  exp: time + 600,
  iat: time - 60,
  authTime: time - 90,
}
const user: UserStanding = {
  key_revoked: false,
  token_version: 1,
  token_reason: null,
  session_found: false,
  session_ended: false,
  end_reason: null,
  epoch: 3,
  time,
  status: 'ACTIVE',
  roles: '["editor","chief"]',
  scopes: '["read","write"]',
  created_epoch: 3,
}
const refusedOf = (change: Partial<UserStanding>, more: Partial<typeof token> = {}) =>
  judgeFormerToken({ ...token, ...more }, { ...user, ...change }, []).refused

describe('a former system’s token', () => {
  it('lives as if Annul had issued it when the user’s row was made, with the user’s roles and scopes', () => {
    const { claims, refused } = judgeFormerToken(token, user, [])
    expect(refused).toBeUndefined()
    expect(claims).toEqual({
      iss: 'https://former.example.com',
      sub: token.userId,
      aud: 'shop',
      client_id: 'shop',
      exp: time + 600,
      iat: time - 60,
      jti: '',
      sid: null,
      ver: 1,
      epoch: 3,
      roles: ['editor', 'chief'],
      scope: 'read write',
      auth_time: time - 90,
    })
    expect([Object.isFrozen(claims), Object.isFrozen(claims.roles)]).toEqual([true, true])
  })

  it('has no second factor, so that it carries no role that wants one, and says which these are', () => {
    const rolesOf = (mfaRoles: string[]) => {
      const { claims } = judgeFormerToken(token, user, mfaRoles)
      expect(Object.isFrozen(claims.roles) && Object.isFrozen(claims.mfa_roles)).toBe(true)
      return [claims.roles, claims.mfa_roles, claims.amr]
    }
    expect(rolesOf(['chief', 'admin'])).toEqual([['editor'], ['chief'], undefined])
    expect(rolesOf(['chief', 'editor'])).toEqual([[], ['editor', 'chief'], undefined])
    expect(rolesOf(['admin'])).toEqual([['editor', 'chief'], undefined, undefined])
  })

  it('has neither roles nor scopes where the user has none', () => {
    for (const none of ['[]', null]) {
      const { claims } = judgeFormerToken(token, { ...user, roles: none, scopes: none }, [])
      expect([claims.roles, claims.scope]).toEqual([[], ''])
    }
  })

  it.each<[string, string | undefined, Partial<UserStanding>, Partial<typeof token>?]>([
    ['of nobody', 'TOKEN_INVALID', { status: null, token_version: null, created_epoch: null, roles: null }],
    ['that has ended', 'TOKEN_EXPIRED', {}, { exp: time }],
    [
      'of a user who was killed since',
      'PASSWORD_CHANGED',
      { token_version: 2, token_reason: 'PASSWORD_CHANGED' },
    ],
    ['of a user whose version was moved by hand', 'SESSION_REVOKED', { token_version: 2 }],
    ['from before everything was revoked', 'EVERYTHING_REVOKED', { epoch: 4 }],
    ['of a row from before all epochs', 'EVERYTHING_REVOKED', { created_epoch: null, epoch: 1 }],
    ['of a row without an epoch, while there was none', undefined, { created_epoch: null, epoch: 0 }],
    ['of a user who is blocked by hand', 'USER_BLOCKED', { status: 'BLOCKED' }],
    ['of a user who is deleted by hand', 'USER_DELETED', { status: 'DELETED' }],
    ['of a user of a state that is not known here', 'USER_BLOCKED', { status: 'PENDING' }],
    [
      'whose kill weighs more than the state',
      'ACCOUNT_RECOVERED',
      { token_version: 2, token_reason: 'ACCOUNT_RECOVERED', status: 'BLOCKED' },
    ],
  ])('%s is judged %s', (...[, refused, change, more]) => {
    expect(refusedOf(change, more)).toBe(refused)
  })
})
