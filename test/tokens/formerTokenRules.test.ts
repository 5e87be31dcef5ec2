import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import type { Config } from '../../src/config.ts'
import type { AcceptOptions } from '../../src/tokens/acceptOptions.ts'
import { type FormerTokens, formerTokens } from '../../src/tokens/formerTokens.ts'
import { encode, es256, type Forgery, hmac, type Signer } from '../support/forge.ts'

/* Tokens of a former system without a server. The same over HTTP, with all forgeries: formerTokens.test.ts. */

const time = 1_800_000_000
const user = '0b0e7a52-3c6f-4d3b-9b5e-2f0d3a1c4e5f'
const until = time + 1000
const secret = randomBytes(32)
const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const honest: AcceptOptions = {
  algorithms: ['HS256'],
  key: secret,
  issuer: 'former',
  audience: 'shop',
  subject: ({ sub }) => sub as string,
  until: new Date(until * 1000),
}
const header = { alg: 'HS256', typ: 'JWT' }
const claims = { iss: 'former', aud: 'shop', sub: user, exp: time + 600, iat: time - 60 }

const part = (honest: object, change: Forgery['claims'] = {}) =>
  typeof change === 'string' ? encode(change) : encode(JSON.stringify({ ...honest, ...change }))
function make(change: Forgery = {}, signer: Signer = hmac('sha256', secret)): string {
  const input = `${part(header, change.header)}.${part(claims, change.claims)}`
  return `${input}.${encode(signer(input))}`
}

function open({
  bind = 'none',
  ownKeys = [] as JsonWebKey[],
}: Partial<Pick<Config, 'bind'>> & { ownKeys?: JsonWebKey[] } = {}) {
  const warned: unknown[] = []
  const errors: unknown[] = []
  const state = { now: time }
  const tokens = formerTokens({
    config: { issuer: 'annul', bind },
    ownKeys: () => ownKeys,
    now: () => state.now,
    log: {
      info() {},
      warn: (...all: unknown[]) => void warned.push(all),
      error: (...all: unknown[]) => void errors.push(all),
    },
  })
  return { ...tokens, state, warned, errors }
}

const accepting = (change: Partial<AcceptOptions> = {}) => {
  const opened = open()
  opened.accept({ ...honest, ...change })
  return opened
}
const says = {
  userId: user,
  issuer: 'former',
  audience: 'shop',
  exp: time + 600,
  iat: time - 60,
  authTime: time - 60,
}

describe('a token of a former system', () => {
  it('says who its user is, and when it was made and ends', () => {
    const { verify } = accepting()
    expect(verify(make())).toEqual(says)
    expect(verify(make({ claims: { auth_time: time - 90 } }))).toEqual({ ...says, authTime: time - 90 })
    expect(verify(make({ claims: { iat: undefined } }))).toEqual({ ...says, iat: 0, authTime: 0 })
    expect(verify(make({ claims: { sub: user.toUpperCase() } }))).toEqual(says)
    // RFC 7519, 2: a time may have a fraction.
    expect(verify(make({ claims: { exp: time + 0.5 } }))).toEqual({ ...says, exp: time + 0.5 })
    expect(verify(make({ claims: { iat: 0, nbf: 0, auth_time: 0 } }))).toEqual({
      ...says,
      iat: 0,
      authTime: 0,
    })
  })

  it('is nobody’s where nothing is accepted, and where no system has its issuer', () => {
    expect(open().verify(make())).toBeUndefined()
    const { verify } = accepting()
    for (const iss of ['annul', 'other', '', undefined, null, ['former']])
      expect(verify(make({ claims: { iss } }))).toBeUndefined()
    for (const text of ['', 'text', '..', `${make()}.`, make({ header: '[]' }), make({ claims: 'null' })])
      expect(verify(text)).toBeUndefined()
  })

  it('is refused where it is of the system’s issuer, and not authentic', () => {
    const { verify } = accepting()
    for (const token of [
      make({}, hmac('sha256', randomBytes(32))),
      make({ header: { alg: 'HS512' } }, hmac('sha512', secret)),
      make({ header: { alg: 'none' } }, () => Buffer.alloc(1)),
      make({ header: { crit: [] } }),
      make({ header: { crit: undefined, alg: ['HS256'] } }),
      make({ claims: { aud: 'other' } }),
      make({ claims: { aud: ['other'] } }),
      make({ claims: { aud: [] } }),
      make({ claims: { aud: null } }),
      make({ claims: { aud: undefined } }),
    ])
      expect([token, verify(token)]).toEqual([token, 'TOKEN_INVALID'])
    expect(verify(make({ claims: { aud: ['other', 'shop'] } }))).toEqual(says)
    // A system that nobody accepts has no part in it: the payload has to be an object, too.
    expect(verify(make({ claims: '[]' }))).toBeUndefined()
  })

  it('may be without an issuer and an audience, where the system is', () => {
    const { verify } = accepting({ issuer: null, audience: null })
    const without = { iss: undefined, aud: undefined }
    const bare = { ...says, issuer: '', audience: '' }
    expect(verify(make({ claims: without }))).toEqual(bare)
    expect(verify(make({ claims: { iss: null, aud: null } }))).toEqual(bare)
    expect(verify(make())).toBeUndefined()
    for (const aud of ['shop', [], ['shop'], [null], '']) {
      expect(verify(make({ claims: { ...without, aud } }))).toBe('TOKEN_INVALID')
    }
  })

  it('is at most 8192 bytes long', () => {
    const { verify } = accepting()
    let padding = 5000
    const padded = (length: number) => make({ claims: { padding: 'x'.repeat(length) } })
    while (padded(padding + 1).length <= 8192) padding++
    expect(verify(padded(padding))).toEqual(says)
    expect(verify(padded(padding + 1))).toBeUndefined()
  })

  it.each<[string, Record<string, unknown>, unknown]>([
    ['an end that has come', { exp: time }, 'TOKEN_EXPIRED'],
    ['an end after that of the system', { exp: until + 1 }, { ...says, exp: until }],
    ['an nbf 5 s ahead', { nbf: time + 5 }, says],
    ['an nbf 6 s ahead', { nbf: time + 6 }, 'TOKEN_INVALID'],
    ['an iat 6 s ahead', { iat: time + 6 }, 'TOKEN_INVALID'],
    ['an auth_time 6 s ahead', { auth_time: time + 6 }, 'TOKEN_INVALID'],
    ['a negative end', { exp: -1 }, 'TOKEN_INVALID'],
    ['an endless end', { exp: 2 ** 53 }, 'TOKEN_INVALID'],
    ['the longest end', { exp: 2 ** 53 - 1 }, { ...says, exp: until }],
    ...['exp', 'nbf', 'iat', 'auth_time'].flatMap(name =>
      [null, String(time), true, [time], {}].map((value): [string, Record<string, unknown>, unknown] => [
        `${name} of ${JSON.stringify(value)}`,
        { [name]: value },
        'TOKEN_INVALID',
      ]),
    ),
    ['no end', { exp: undefined }, 'TOKEN_INVALID'],
  ])('with %s is what its times say', (_, change, verdict) => {
    expect(accepting().verify(make({ claims: change }))).toEqual(verdict)
  })

  it('ends with the system, whatever its own end is', () => {
    const { verify, state } = accepting()
    const token = make({ claims: { exp: until + 600 } })
    state.now = until - 1
    expect(verify(token)).toMatchObject({ exp: until })
    state.now = until
    expect(verify(token)).toBe('TOKEN_EXPIRED')
  })

  it('is verified with each system of its issuer: a key may be changed', () => {
    const { accept, verify } = accepting()
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    accept({ ...honest, algorithms: ['ES256'], key: pair.publicKey })
    accept({ ...honest, issuer: 'third', key: randomBytes(32) })
    expect(verify(make())).toEqual(says)
    expect(verify(make({ header: { alg: 'ES256' } }, es256(pair.privateKey)))).toEqual(says)
    expect(verify(make({ header: { alg: 'ES256' } }, es256(own.privateKey)))).toBe('TOKEN_INVALID')
    expect(verify(make({ claims: { iss: 'third' } }))).toBe('TOKEN_INVALID')
  })
})

describe('the subject function', () => {
  const failing: [string, (claims: object) => unknown, RegExp | undefined][] = [
    ['throws', () => fail('The users are not there.'), /^The users are not there\.$/],
    [
      'returns a promise',
      async () => user,
      /^subject returned a promise\. It must return the id of a user at once\.$/,
    ],
    [
      'returns a promise that is rejected',
      () => Promise.reject(new Error('The users are not there.')),
      /^subject returned a promise\./,
    ],
    ['returns a text that is no UUID', () => 'ada', /^subject returned something that is no UUID\.$/],
    ['returns a list', () => [user], /^subject returned something that is no UUID\.$/],
    ['returns a number', () => 7, /^subject returned something that is no UUID\.$/],
    ['returns nothing', () => undefined, undefined],
    ['returns null', () => null, undefined],
  ]
  it.each(failing)('that %s lets nobody in, and the log says why', (_, subject, message) => {
    const { verify, errors } = accepting({ subject: subject as never })
    expect(verify(make())).toBe('TOKEN_INVALID')
    expect(errors).toEqual(
      message === undefined
        ? []
        : [
            [
              { err: expect.objectContaining({ message: expect.stringMatching(message) }) },
              "The subject function of accept failed, so a former system's token is refused.",
            ],
          ],
    )
  })

  it('is asked about tokens that are authentic and have not ended, and gets all of their claims', () => {
    const asked: unknown[] = []
    const { verify } = accepting({
      subject(all) {
        asked.push(all)
        return user
      },
    })
    verify(make({}, hmac('sha256', randomBytes(32))))
    verify(make({ claims: { exp: time } }))
    expect(asked).toEqual([])
    verify(make({ claims: { sub: 7, shop: ['a'] } }))
    expect(asked).toEqual([{ ...claims, sub: 7, shop: ['a'] }])
  })
})

describe('accept refuses', () => {
  const text = 'must be a text, or null where the tokens have none.'
  it.each<[string, unknown, string]>([
    ['no object', null, 'accept: expected an object of options.'],
    ['a list', [honest], 'accept: expected an object of options.'],
    ['a text', 'RS256', 'accept: expected an object of options.'],
    ...(['algorithms', 'key', 'issuer', 'audience', 'subject', 'until'] as const).map(
      (name): [string, unknown, string] => [
        `${name} that is mistyped`,
        { ...honest, [`${name}x`]: 1 },
        `accept: ${name}x is not an option. The nearest name is ${name}.`,
      ],
    ),
    ['an empty issuer', { ...honest, issuer: '' }, `accept: issuer ${text}`],
    ['no issuer', { ...honest, issuer: undefined }, `accept: issuer ${text}`],
    ['a list as the issuer', { ...honest, issuer: ['former'] }, `accept: issuer ${text}`],
    ['an empty audience', { ...honest, audience: '' }, `accept: audience ${text}`],
    ['no audience', { ...honest, audience: undefined }, `accept: audience ${text}`],
    [
      'the name of a claim',
      { ...honest, subject: 'sub' },
      'accept: subject must be a function from the claims to the id of a user.',
    ],
    ['an end as text', { ...honest, until: '2100-01-01' }, 'accept: until must be a Date that is valid.'],
    [
      'an end that is none',
      { ...honest, until: new Date(Number.NaN) },
      'accept: until must be a Date that is valid.',
    ],
    [
      'a key that is none',
      { ...honest, key: randomBytes(31) },
      'accept: key must be a secret of at least 32 random bytes.',
    ],
    [
      "Annul's issuer",
      { ...honest, issuer: 'annul' },
      "accept: issuer is Annul's own. Give Annul another one (ANNUL_ISSUER).",
    ],
    [
      "Annul's key",
      { ...honest, algorithms: ['ES256'], key: own.publicKey },
      "accept: key is one of Annul's own. Its tokens need no accept.",
    ],
  ])('%s, and accepts nothing by it', (_, options, message) => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    const ownKeys = [other, own.publicKey].map(key => key.export({ format: 'jwk' }))
    const tokens = open({ ownKeys })
    expect(() => tokens.accept(options as AcceptOptions)).toThrow(new TypeError(message))
    expectNothing(tokens)
    // One that is right is not refused for the same.
    tokens.accept(honest)
    expect(tokens.verify(make())).toEqual(says)
  })

  it.each<Config['bind']>(['ip', 'cookie'])('every system where tokens are bound by %s', bind => {
    const tokens = open({ bind })
    expect(() => tokens.accept(honest)).toThrow(
      new TypeError(
        "accept: ANNUL_BIND asks for tokens that are bound, and a former system's tokens are not.",
      ),
    )
    expectNothing(tokens)
  })

  it('no system that is over, but warns of it: a server must start after that day, too', () => {
    for (const [seconds, warnings] of [
      [time + 1, 0],
      [time, 1],
    ] as const) {
      const tokens = open()
      const end = new Date(seconds * 1000)
      tokens.accept({ ...honest, until: end })
      expect(tokens.warned).toEqual(
        Array(warnings).fill([
          { until: end },
          'accept: until has passed, so none of these tokens is accepted.',
        ]),
      )
      expect(tokens.verify(make())).toEqual(warnings ? 'TOKEN_EXPIRED' : { ...says, exp: time + 1 })
    }
  })
})

function expectNothing({ verify }: FormerTokens): void {
  expect(verify(make())).toBeUndefined()
}

function fail(message: string): never {
  throw new Error(message)
}
