import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { accessTokens, keyIdOf, noteKeyOf, tokenVerifier } from '../../src/tokens/accessToken.ts'
import type { PublicKey, SigningAlgorithm } from '../../src/tokens/keySet.ts'
import type { SigningKeys } from '../../src/tokens/signingKeys.ts'
import { encode, es256, respell } from '../support/forge.ts'

/* Access tokens without a server. The same forgeries over HTTP, and many more: accessToken*.test.ts. */

const time = 1_800_000_000
const user = '0b0e7a52-3c6f-4d3b-9b5e-2f0d3a1c4e5f'
const session = 'f7c1d2e3-a4b5-4c6d-8e9f-0a1b2c3d4e5f'
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

const key = (kid: string, algorithm: SigningAlgorithm, publicKey: KeyObject): PublicKey => ({
  kid,
  algorithm,
  publicKey,
  jwk: {},
})
const known = [
  key('mine', 'ES256', p256.publicKey),
  key('rsa', 'RS256', rsa.publicKey),
  key('pss', 'PS256', rsa.publicKey),
]

function openTokens() {
  const revoked = new Set<string>()
  const state = { now: time, version: 1, found: 0 }
  const keys = {
    find(kid: string) {
      state.found++
      return known.find(each => each.kid === kid)
    },
    isRevoked: (kid: string) => revoked.has(kid),
    get version() {
      return state.version
    },
  }
  const expected = { keys, issuer: 'the issuer', audience: 'the audience', now: () => state.now }
  return { ...tokenVerifier(expected), expected, revoked, state }
}

const claims = {
  iss: 'the issuer',
  sub: user,
  aud: 'the audience',
  client_id: 'the audience',
  exp: time + 600,
  iat: time,
  jti: 'the id',
  sid: session,
  ver: 3,
  epoch: 0,
  roles: ['admin', 'user'],
  scope: 'read write',
  auth_time: time - 60,
}
const header = { alg: 'ES256', typ: 'at+jwt', kid: 'mine' }

type Change = Record<string, unknown> | string
const part = (honest: object, change: Change = {}) =>
  typeof change === 'string' ? encode(change) : encode(JSON.stringify({ ...honest, ...change }))

/** A token that is signed rightly, whatever it says. */
function make(change: { claims?: Change; header?: Change } = {}, signer = es256(p256.privateKey)): string {
  const input = `${part(header, change.header)}.${part(claims, change.claims)}`
  return `${input}.${encode(signer(input))}`
}

const rs256 = (input: string) => sign('sha256', Buffer.from(input), rsa.privateKey)

describe('an access token', () => {
  it('is what its claims say, and nobody can change them', () => {
    const tokens = openTokens()
    const verified = tokens.verify(make())
    expect(verified).toEqual(claims)
    if (typeof verified === 'string') throw new Error(verified)
    expect(Object.isFrozen(verified)).toBe(true)
    expect(Object.isFrozen(verified.roles)).toBe(true)
    expect(keyIdOf(verified)).toBe('mine')
  })

  it('may have claims of an app, as deep as they are, which nobody can change either', () => {
    const own = { team: { name: 'blue', of: [{ id: 1 }, null, 'text'] }, nothing: null }
    const verified = openTokens().verify(make({ claims: own }))
    expect(verified).toEqual({ ...claims, ...own })
    const { team } = verified as unknown as typeof own
    expect([team, team.of, team.of[0]].map(Object.isFrozen)).toEqual([true, true, true])
  })

  it('may be of each algorithm, under a key that is made for it', () => {
    const { verify } = openTokens()
    expect(verify(make({ header: { alg: 'RS256', kid: 'rsa' } }, rs256))).toEqual(claims)
    // One and the same signature, under the name of another algorithm and of another key.
    expect(verify(make({ header: { alg: 'PS256', kid: 'rsa' } }, rs256))).toBe('TOKEN_INVALID')
    expect(verify(make({ header: { alg: 'RS256', kid: 'pss' } }, rs256))).toBe('TOKEN_INVALID')
    expect(verify(make({ header: { kid: 'rsa' } }, rs256))).toBe('TOKEN_INVALID')
    expect(verify(make({ header: { alg: 'RS256' } }))).toBe('TOKEN_INVALID')
  })

  it('has each of its claims', () => {
    const { verify } = openTokens()
    for (const name of Object.keys(claims))
      for (const value of [undefined, null, {}, []])
        if (name !== 'roles' || !Array.isArray(value))
          expect([name, verify(make({ claims: { [name]: value } }))]).toEqual([name, 'TOKEN_INVALID'])
    expect(verify(make({ claims: { roles: [] } }))).toEqual({ ...claims, roles: [] })
  })

  it.each<[string, unknown[]]>([
    ['iss', ['another', '', ['the issuer']]],
    ['aud', ['another', '', ['the audience']]],
    [
      'sub',
      ['', user.toUpperCase(), `${user}0`, `0${user}`, user.slice(1), user.replaceAll('-', ''), [user], 1],
    ],
    ['sid', ['', session.toUpperCase(), `${session}0`, `0${session}`, `${session}\n`, [session], 1]],
    ['exp', ['1900000000', 1_900_000_000.5, -1, 2 ** 53, true]],
    ['iat', ['1', 1.5, -1, 2 ** 53, true]],
    ['ver', ['1', 1.5, -1, 2 ** 53, true]],
    ['epoch', ['1', 1.5, -1, 2 ** 53, true]],
    ['auth_time', ['1', 1.5, -1, 2 ** 53, true]],
    ['nbf', ['1', 1.5, -1, 2 ** 53, true, null]],
    ['jti', [1, ['the id']]],
    ['scope', [1, ['read']]],
    ['client_id', [1, ['the audience']]],
    ['roles', ['admin', [1], ['user', 1], { length: 0 }]],
    ['amr', ['mfa', '', null, [1], ['mfa', 1], [['mfa']], { length: 0 }]],
    ['mfa_roles', ['admin', '', null, [1], ['user', 1], { length: 0 }]],
  ])('has no %s of another kind', (name, values) => {
    const { verify } = openTokens()
    for (const value of values)
      expect([value, verify(make({ claims: { [name]: value } }))]).toEqual([value, 'TOKEN_INVALID'])
  })

  it('may say how its user has proved who they are, and which roles that was not enough for', () => {
    const proofs = { amr: ['pwd', 'otp', 'mfa'], mfa_roles: ['chief'] }
    const verified = openTokens().verify(make({ claims: proofs }))
    expect(verified).toEqual({ ...claims, ...proofs })
    const { amr, mfa_roles } = verified as unknown as typeof proofs
    expect([amr, mfa_roles].map(Object.isFrozen)).toEqual([true, true])
    expect(openTokens().verify(make({ claims: { amr: [], mfa_roles: [] } }))).toMatchObject({ amr: [] })
  })

  it('with a role that wants a second factor is as good as expired without one, and only once it is authentic', () => {
    const { expected } = openTokens()
    const verdictOf = (change: object, mfaRoles: string[], signer = es256(p256.privateKey)) => {
      const verified = tokenVerifier({ ...expected, mfaRoles }).verify(
        make({ claims: { ...change } }, signer),
      )
      return typeof verified === 'string' ? verified : 'accepted'
    }
    for (const amr of [undefined, [], ['pwd'], ['pwd', 'otp'], ['MFA']]) {
      expect([amr, verdictOf({ amr }, ['admin'])]).toEqual([amr, 'TOKEN_EXPIRED'])
      expect([amr, verdictOf({ amr }, ['chief', 'user'])]).toEqual([amr, 'TOKEN_EXPIRED'])
      expect([amr, verdictOf({ amr }, ['chief'])]).toEqual([amr, 'accepted'])
      expect([amr, verdictOf({ amr }, [])]).toEqual([amr, 'accepted'])
      expect([amr, verdictOf({ amr, roles: [], mfa_roles: ['admin'] }, ['admin'])]).toEqual([amr, 'accepted'])
    }
    expect(verdictOf({ amr: ['pwd', 'otp', 'mfa'] }, ['admin'])).toBe('accepted')
    expect(verdictOf({}, ['admin'], () => Buffer.alloc(64))).toBe('TOKEN_INVALID')
    expect(verdictOf({ iss: 'another' }, ['admin'])).toBe('TOKEN_INVALID')
  })

  it('may say zero wherever it says a number that is no end', () => {
    const zeros = { iat: 0, ver: 0, epoch: 0, auth_time: 0, nbf: 0 }
    expect(openTokens().verify(make({ claims: zeros }))).toEqual({ ...claims, ...zeros })
  })

  it.each(['"text"', 'text', '1', 'true', 'null', '{', '[]', JSON.stringify([claims])])(
    'has an object as its payload, and not %s',
    text => {
      expect(openTokens().verify(make({ claims: text }))).toBe('TOKEN_INVALID')
    },
  )

  it.each<Record<string, unknown>>([
    { typ: 'JWT' },
    { typ: 'at+JWT' },
    { typ: undefined },
    { kid: 'other' },
    { kid: 1 },
    { kid: ['mine'] },
    { kid: undefined },
    { alg: 'none' },
    { alg: 'HS256' },
    { alg: 'ES384' },
    { alg: ['ES256'] },
    { alg: undefined },
    { crit: [] },
    { jwk: p256.publicKey.export({ format: 'jwk' }) },
  ])('has the header of Annul’s, and not %j', change => {
    const { verify, hasUnknownKey } = openTokens()
    const token = make({ header: change })
    expect(verify(token)).toBe('TOKEN_INVALID')
    // Keys are read again for a name that is not known, and for nothing else.
    expect(hasUnknownKey(token)).toBe(change.kid === 'other')
  })

  it('has a header of three members, which no other three replace', () => {
    const { verify, hasUnknownKey } = openTokens()
    for (const text of ['[]', '"alg"', 'null', '{', JSON.stringify([header])]) {
      expect(verify(make({ header: text }))).toBe('TOKEN_INVALID')
      expect(hasUnknownKey(make({ header: text }))).toBe(false)
    }
    expect(verify(make({ header: { kid: undefined, jwk: 'mine' } }))).toBe('TOKEN_INVALID')
    // In whatever order.
    expect(verify(make({ header: '{"kid":"mine","typ":"at+jwt","alg":"ES256"}' }))).toEqual(claims)
  })

  it('has three parts, each in its one spelling', () => {
    const { verify, hasUnknownKey } = openTokens()
    const token = make()
    const [first, second, third] = token.split('.')
    for (const other of [
      '',
      '.',
      '..',
      `${first}.${second}`,
      `${first}.${second}.`,
      `.${second}.${third}`,
      `${first}..${third}`,
      `${token}.`,
      `.${token}`,
      `${token}.${third}`,
      `${token}=`,
      `${token} `,
      ` ${token}`,
      `${first}.${second}.${respell(third ?? '')}`,
      `${first}!.${second}.${third}`,
      `${first}.${second}!.${third}`,
    ]) {
      expect([other, verify(other)]).toEqual([other, 'TOKEN_INVALID'])
      expect(hasUnknownKey(other)).toBe(false)
    }
  })

  it('has a signature that covers all of it', () => {
    const { verify } = openTokens()
    const [first, , third] = make().split('.')
    const [, second] = make({ claims: { roles: ['owner'] } }).split('.')
    expect(verify(`${first}.${second}.${third}`)).toBe('TOKEN_INVALID')
    expect(verify(make({}, es256(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)))).toBe(
      'TOKEN_INVALID',
    )
  })

  it('has at most 6144 bytes', () => {
    const { verify } = openTokens()
    const ofLength = (length: number) => {
      for (let filled = 4000; ; filled++) {
        const token = make({ claims: { scope: 'x'.repeat(filled) } })
        if (token.length >= length) return token
      }
    }
    const longest = ofLength(6144)
    expect(longest).toHaveLength(6144)
    expect(typeof verify(longest)).toBe('object')
    expect(verify(ofLength(6145))).toBe('TOKEN_INVALID')
  })
})

describe('the clock', () => {
  it.each<[string, Record<string, number>, string]>([
    ['an iat 5 s ahead', { iat: time + 5 }, 'accepted'],
    ['an iat 6 s ahead', { iat: time + 6 }, 'TOKEN_INVALID'],
    ['a nbf 5 s ahead', { nbf: time + 5 }, 'accepted'],
    ['a nbf 6 s ahead', { nbf: time + 6 }, 'TOKEN_INVALID'],
    ['an exp of the next second', { exp: time + 1 }, 'accepted'],
    ['an exp of this second', { exp: time }, 'TOKEN_EXPIRED'],
    ['an exp of the past, under an iat ahead', { exp: time - 1, iat: time + 6 }, 'TOKEN_INVALID'],
  ])('meets %s', (_, change, verdict) => {
    const verified = openTokens().verify(make({ claims: change }))
    expect(typeof verified === 'string' ? verified : 'accepted').toBe(verdict)
  })

  it('is the database’s, and not that of the machine', () => {
    const past = 1_000_000_000
    const { verify, state } = openTokens()
    state.now = past
    const token = make({ claims: { iat: past, nbf: past, exp: past + 600 } })
    expect(verify(token)).toMatchObject({ exp: past + 600 })
    const future = 4_000_000_000
    state.now = future
    const later = make({ claims: { iat: future, nbf: future, exp: future + 600 } })
    expect(verify(later)).toMatchObject({ exp: future + 600 })
    expect(verify(token)).toBe('TOKEN_EXPIRED')
  })

  it('is asked each time, of a token that it has let pass before, too', () => {
    const { verify, state } = openTokens()
    const token = make({ claims: { nbf: time } })
    const verdicts = [time, time - 6, time + 599, time + 600, time + 599].map(now => {
      state.now = now
      const verified = verify(token)
      return typeof verified === 'string' ? verified : 'accepted'
    })
    expect(verdicts).toEqual(['accepted', 'TOKEN_INVALID', 'accepted', 'TOKEN_EXPIRED', 'accepted'])
  })
})

describe('a key', () => {
  it('that was revoked verifies nothing, not even what it has verified before', () => {
    const { verify, hasUnknownKey, revoked, state } = openTokens()
    const token = make()
    expect(verify(token)).toEqual(claims)
    revoked.add('mine')
    state.version++
    expect(verify(token)).toBe('KEY_REVOKED')
    expect(hasUnknownKey(token)).toBe(false)
    // Said of a name that nobody knows any more, too.
    revoked.add('forgotten')
    const other = make({ header: { kid: 'forgotten' } })
    expect([verify(other), hasUnknownKey(other)]).toEqual(['KEY_REVOKED', false])
    // Of what has the form of a token only.
    expect(verify(make({ header: { typ: 'JWT' } }))).toBe('TOKEN_INVALID')
  })

  it('that is not known may be known once the keys were read again', () => {
    const { hasUnknownKey } = openTokens()
    for (const alg of ['ES256', 'RS256', 'PS256'])
      expect(hasUnknownKey(make({ header: { alg, kid: 'next' } }))).toBe(true)
    for (const alg of ['HS256', 'ES384', 'none', 'es256'])
      expect(hasUnknownKey(make({ header: { alg, kid: 'next' } }))).toBe(false)
    expect(hasUnknownKey(make())).toBe(false)
  })

  it('is told of claims that were verified here or by another node, and of no others', () => {
    const answered = { ...claims }
    expect(keyIdOf(answered)).toBeUndefined()
    noteKeyOf(answered, 'no token')
    expect(keyIdOf(answered)).toBeUndefined()
    noteKeyOf(answered, make({ header: { kid: 'of another node' } }))
    expect(keyIdOf(answered)).toBe('of another node')
    expect(keyIdOf({ ...answered })).toBeUndefined()
  })
})

describe('a token that was verified', () => {
  it('is remembered, and found by all of it', () => {
    const { verify, state } = openTokens()
    const token = make()
    const first = verify(token)
    state.found = 0
    expect(verify(token)).toBe(first)
    expect(state.found).toBe(0)
    // The same end, and another beginning.
    const forged = `${part(header)}.${part(claims, { roles: ['owner'] })}.${token.split('.')[2]}`
    expect(verify(forged)).toBe('TOKEN_INVALID')
    expect(state.found).toBe(1)
    expect(verify(token)).toBe(first)
    expect(state.found).toBe(1)
  })

  it('is forgotten when other keys are known, and when it has expired', () => {
    const { verify, state } = openTokens()
    const token = make()
    verify(token)
    for (const change of [
      () => state.version++,
      () => {
        state.now = claims.exp
        verify(token)
        state.now = time
      },
    ]) {
      state.found = 0
      verify(token)
      expect(state.found).toBe(0)
      change()
      expect(verify(token)).toEqual(claims)
      expect(state.found).toBe(1)
    }
  })
})

describe('the signer', () => {
  const signer = (algorithm: SigningAlgorithm = 'ES256') => {
    const { expected, state } = openTokens()
    const current =
      algorithm === 'ES256'
        ? { kid: 'mine', algorithm, privateKey: p256.privateKey }
        : { kid: 'rsa', algorithm, privateKey: rsa.privateKey }
    const keys = { ...expected.keys, current: () => current } as unknown as SigningKeys
    return { ...accessTokens({ ...expected, keys }), state }
  }
  const { iss: _, aud: __, client_id: ___, jti: ____, ...grant } = claims
  const read = (token: string) =>
    token
      .split('.', 2)
      .map(text => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>)

  it('adds whose token it is and for whom, and an id of its own', () => {
    const { sign, verify } = signer()
    const token = sign(grant)
    const [head, payload] = read(token)
    expect(head).toEqual(header)
    expect(payload).toEqual({ ...claims, jti: expect.stringMatching(/^[\da-f]{8}-[\da-f-]{27}$/) })
    expect(read(sign(grant))[1]?.jti).not.toBe(payload?.jti)
    expect(verify(token)).toEqual(payload)
    expect(read(signer('RS256').sign(grant))[0]).toEqual({ alg: 'RS256', typ: 'at+jwt', kid: 'rsa' })
  })

  it('adds the claims of an app, of which none replaces one of Annul’s', () => {
    const { sign } = signer()
    const [, payload] = read(sign(grant, { team: 'blue', sub: 'somebody', iss: 'x', jti: 'x' }))
    expect(payload).toEqual({ ...claims, team: 'blue', jti: expect.any(String) })
    expect(payload?.jti).not.toBe('x')
  })

  it('signs nothing that was read more than 30 s ago', () => {
    const { sign, state } = signer()
    state.now = time + 30
    expect(sign(grant)).toMatch(/^eyJ/)
    state.now = time + 30.1
    expect(() => sign(grant)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  })

  it('makes no token that its verifier would not read', () => {
    const { sign, verify } = signer()
    let filled = 4000
    const make = () => sign(grant, { own: 'x'.repeat(filled) })
    while (make().length < 6143) filled++
    for (; ; filled++) {
      const token = attempt(make)
      if (token instanceof Error) {
        expect(token.message).toMatch(/^An access token would be 614[56] bytes long, and 6144 are allowed\.$/)
        break
      }
      expect(typeof verify(token)).toBe('object')
    }
  })
})

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (error) {
    return error as Error
  }
}
