import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { encode, es256, hmac, openForge, refusal, refuses, respell } from '../support/forge.ts'
import {
  day,
  type FormerAlgorithm,
  type FormerForge,
  formerAudience,
  formerIssuer,
  importUser,
  openFormerForge,
  openFormerSystem,
  rs256,
} from '../support/formerSystem.ts'
import { useServer } from '../support/server.ts'

/* Forged tokens of a former system, against a node over HTTP, as Annul's own are forged in accessToken.test.ts. */

const expired = refusal('TOKEN_EXPIRED', 'The access token has expired.', 'REFRESH')
const algorithms: FormerAlgorithm[] = ['HS256', 'RS256', 'ES256']

describe.each(algorithms)('of tokens that a former system signs with %s, the server', algorithm => {
  const server = useServer()
  let forge: FormerForge
  beforeAll(async () => {
    const system = openFormerSystem(algorithm)
    server.auth.accept(system.options)
    forge = openFormerForge(server, system, await importUser(server))
  })

  it('accepts one that was not changed', async () => {
    expect(await forge.present(forge.make())).toEqual(forge.accepted)
  })

  it('accepts those with headers and claims that other systems use', async () => {
    const now = server.auth.parts.clock.now()
    const tokens = [
      { header: { typ: 'at+jwt', kid: 'former' } },
      { header: { typ: 'at+jwt', kid: randomUUID() } },
      { header: { typ: undefined } },
      { claims: { iat: undefined } },
      { claims: { iat: now - 0.5, exp: now + 100.25, nbf: now + 4 } },
      { claims: { aud: ['other', formerAudience] } },
      { claims: { sub: forge.userId.toUpperCase() } },
      { claims: { padding: 'x'.repeat(5000) } },
    ].map(forge.make)
    for (const token of tokens) expect([token, await forge.present(token)]).toEqual([token, forge.accepted])
  })

  it('says that one has expired when its own time is over', async () => {
    const now = server.auth.parts.clock.now()
    expect(await forge.present(forge.make({ claims: { exp: now - 1 } }))).toEqual(expired)
  })

  const none = () => Buffer.alloc(0)
  const casings = ['none', 'None', 'NONE', 'nOnE']
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const strangerEc = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  /** Texts that a verifier with the wrong idea of the algorithm takes for the secret. */
  const publicTexts = (key: KeyObject | undefined): (string | Buffer)[] => {
    if (key === undefined) return []
    const pem = String(key.export({ type: 'spki', format: 'pem' }))
    const jwk = JSON.stringify(key.export({ format: 'jwk' }))
    return [
      pem,
      pem.trim(),
      pem.replaceAll(/-----.*-----|\n/g, ''),
      jwk,
      key.export({ type: 'spki', format: 'der' }),
    ]
  }
  const claimed =
    (...changes: Record<string, unknown>[]) =>
    (forge: FormerForge) =>
      changes.map(claims => forge.make({ claims }))

  refuses(() => forge, {
    'one without a signature': ({ make }) => [
      ...casings.flatMap(alg => [make({ header: { alg }, signer: none }), make({ header: { alg } })]),
      make({ signer: none }),
      make({ signer: none }).slice(0, -1),
    ],
    'one with HMAC, and what is public or empty as the secret': ({ make, system }) =>
      [...publicTexts(system.publicKey), '', 'null', 'undefined', 'secret'].flatMap(secret => [
        make({ header: { alg: 'HS256' }, signer: hmac('sha256', secret) }),
        make({ header: { alg: 'HS512' }, signer: hmac('sha512', secret) }),
        make({ signer: hmac('sha256', secret) }),
      ]),
    'one signed by a stranger': ({ make }) => [
      make({ signer: rs256(stranger.privateKey) }),
      make({ signer: es256(strangerEc.privateKey) }),
      make({ header: { alg: 'RS256' }, signer: rs256(stranger.privateKey) }),
      make({ header: { alg: 'ES256' }, signer: es256(strangerEc.privateKey) }),
    ],
    'one signed by a stranger whose key the header brings along': ({ make }) => {
      const jwk = strangerEc.publicKey.export({ format: 'jwk' })
      return [{ jwk }, { jku: 'https://example.com/jwks' }, { x5c: ['AAAA'] }, { kid: '/dev/null' }].map(
        header => make({ header: { alg: 'ES256', ...header }, signer: es256(strangerEc.privateKey) }),
      )
    },
    'one under any other name': ({ make, header }) =>
      [
        'HS256',
        'HS384',
        'HS512',
        'RS256',
        'RS384',
        'PS256',
        'ES256',
        'ES384',
        'EdDSA',
        '',
        null,
        0,
        [header.alg],
      ]
        .filter(alg => alg !== header.alg)
        .map(alg => make({ header: { alg } })),
    'one with an algorithm of the same key that was not accepted': ({ make, system }) =>
      system.publicKey === undefined
        ? [make({ header: { alg: 'HS512' }, signer: hmac('sha512', system.options.key as Uint8Array) })]
        : [make({ header: { alg: 'PS256' } }), make({ header: { alg: 'ES384' } })],
    'one with an extension that must be understood': ({ make }) =>
      [['b64'], ['exp'], [], null, 'exp'].map(crit => make({ header: { crit, b64: false, exp: 1 } })),
    'one with another signature': ({ make }) => {
      const [header, claims, signature = ''] = make().split('.')
      const bytes = Buffer.from(signature, 'base64url')
      const flipped = Buffer.from(bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)))
      return [
        bytes.subarray(1),
        Buffer.alloc(bytes.length),
        flipped,
        Buffer.concat([bytes, Buffer.alloc(1)]),
      ].map(other => `${header}.${claims}.${encode(other)}`)
    },
    'one with claims that were changed afterwards': ({ make }) => {
      const [header, , signature] = make().split('.')
      const [, claims] = make({ claims: { sub: randomUUID() } }).split('.')
      return [`${header}.${claims}.${signature}`]
    },
    'one of another issuer': claimed(
      ...['other', `${formerIssuer}/`, 'annul', '', [formerIssuer], {}, null, undefined].map(iss => ({
        iss,
      })),
    ),
    'one for another audience': claimed(
      ...['other', '', ['other'], [], [[formerAudience]], {}, true, null, undefined].map(aud => ({ aud })),
    ),
    'one without an end': claimed(
      ...[undefined, null, '9999999999', true, -1, [9e9], {}, 1e300].map(exp => ({ exp })),
    ),
    'one of the future': forge =>
      ['iat', 'nbf', 'auth_time'].flatMap(name =>
        [30, 3600, 1e9].map(more => forge.make({ claims: { [name]: server.auth.parts.clock.now() + more } })),
      ),
    'one with times that are no numbers': claimed(
      ...['iat', 'nbf', 'auth_time'].flatMap(name =>
        ['0', null, [], true, -1].map(value => ({ [name]: value })),
      ),
    ),
    'one with a payload that is no object': ({ make, claims }) =>
      [
        JSON.stringify(JSON.stringify(claims)),
        JSON.stringify([claims]),
        '"text"',
        'text',
        '',
        '1',
        'null',
        '{',
      ].map(text => make({ claims: encode(text) })),
    'one in another spelling': ({ make }) => {
      const token = make()
      const [header, claims] = token.split('.')
      const loose = encode(
        `${JSON.stringify(forge.header)}${encode(JSON.stringify(forge.header)).length % 4 ? '' : ' '}`,
      )
      return [
        make({ header: respell(loose) }),
        make({ header: `${loose}=` }),
        `${token}=`,
        `${token}!`,
        `.${token}`,
        `${token}.`,
        `${header}.${claims}`,
        '..',
      ]
    },
    'one that is huge': ({ make }) => [
      make({ claims: { padding: 'x'.repeat(6000) } }),
      make({ header: { padding: 'x'.repeat(6000) } }),
    ],
    'one for nobody': claimed(
      ...[randomUUID(), 'x', '', `{${randomUUID()}}`, 'null', `${randomUUID()},${randomUUID()}`].map(sub => ({
        sub,
      })),
    ),
  })
})

describe("a former system's token and Annul's own", () => {
  const server = useServer()
  let former: FormerForge
  beforeAll(async () => {
    const system = openFormerSystem('ES256')
    server.auth.accept(system.options)
    former = openFormerForge(server, system, (await server.signUp()).userId)
  })

  it('never pass for one another, whatever they say', async () => {
    const own = await server.signUp()
    const forge = openForge(server, own.accessToken)
    const annuls = { ...forge.claims }
    const foreign = { iss: formerIssuer, aud: formerAudience }
    const forgeries = [
      // The former system claims to be Annul.
      former.make({ claims: { ...annuls } }),
      former.make({ header: forge.header, claims: { ...annuls } }),
      former.make({ header: { ...forge.header, kid: randomUUID() }, claims: { ...annuls } }),
      // Annul's token claims to be the former system's.
      forge.make({ claims: { ...foreign, sub: own.userId } }),
      forge.make({ claims: { ...foreign }, header: { typ: 'JWT', kid: undefined } }),
      forge.make({ header: { typ: 'JWT' } }),
    ]
    for (const token of forgeries) expect([token, await forge.present(token)]).toEqual([token, refusal()])
    expect(await forge.present(own.accessToken)).toEqual(forge.accepted)
  })

  it('end apart: a session that was logged out does not live on as a former token', async () => {
    const own = await server.signUp()
    await server.send('mutation { logout }', { token: own.accessToken })
    const { reason } = await server.send('{ me { id } }', { token: own.accessToken })
    expect(reason).toBe('LOGGED_OUT')
  })

  it('do not differ in the answer to an expired one', async () => {
    const own = await server.signUp()
    const forge = openForge(server, own.accessToken)
    expect(await forge.present(forge.make({ claims: { exp: forge.claims.iat - 1 } }))).toEqual(expired)
  })
})

describe('several former systems', () => {
  const server = useServer()
  const systems = [
    openFormerSystem('HS256'),
    // A key that followed another.
    openFormerSystem('RS256'),
    openFormerSystem('ES256', { issuer: null, audience: null }),
    openFormerSystem('ES256', { issuer: 'https://other.example.com', until: new Date(Date.now() - 1000) }),
  ] as const
  let userId: string
  beforeAll(async () => {
    userId = await importUser(server)
    for (const { options } of systems) server.auth.accept(options)
  })

  it('are told apart by issuer and key', async () => {
    for (const system of systems.slice(0, 3)) {
      const forge = openFormerForge(server, system, userId)
      expect(await forge.present(forge.make())).toEqual(forge.accepted)
    }
    const [hmacs, , nameless] = systems.map(system => openFormerForge(server, system, userId))
    const forgeries = [
      hmacs?.make({ claims: { iss: 'https://other.example.com' } }),
      hmacs?.make({ claims: { iss: undefined } }),
      nameless?.make({ claims: { iss: formerIssuer } }),
      nameless?.make({ claims: { aud: formerAudience } }),
      nameless?.make({ claims: { aud: [] } }),
    ]
    for (const token of forgeries) expect(await hmacs?.present(token ?? '')).toEqual(refusal())
  })

  it('are refused from their own end on, as expired', async () => {
    const forge = openFormerForge(server, systems[3], userId)
    expect(await forge.present(forge.make())).toEqual(expired)
  })
})

describe('until', () => {
  const server = useServer()

  it('ends tokens that say they live longer, by the clock of the database', async () => {
    const { clock } = server.auth.parts
    const system = openFormerSystem('ES256', { until: new Date(clock.now() * 1000 + 1500) })
    server.auth.accept(system.options)
    const forge = openFormerForge(server, system, await importUser(server))
    const token = forge.make({ claims: { exp: clock.now() + day } })
    expect(await forge.present(token)).toEqual(forge.accepted)
    await new Promise(resolve => setTimeout(resolve, 1600))
    expect(await forge.present(token)).toEqual(expired)
  })
})

describe('the subject function', () => {
  const lines: Record<string, unknown>[] = []
  const server = useServer({ onLogLine: line => lines.push(JSON.parse(line)) })
  let answer: () => unknown
  let forge: FormerForge
  beforeAll(async () => {
    const system = openFormerSystem('ES256', { subject: () => answer() as string })
    server.auth.accept(system.options)
    forge = openFormerForge(server, system, await importUser(server))
  })
  const failures = () =>
    lines.filter(({ msg }) => String(msg).startsWith('The subject function of accept failed'))

  it.each<[string, () => unknown]>([
    ['null', () => null],
    ['undefined', () => undefined],
  ])('refuses a token by %s, of which no line is written', async (_, returns) => {
    lines.length = 0
    answer = returns
    expect(await forge.present(forge.make())).toEqual(refusal())
    expect(failures()).toEqual([])
  })

  it.each<[string, () => unknown, string]>([
    [
      'an error',
      () => {
        throw new Error('The table is gone.')
      },
      'The table is gone.',
    ],
    [
      'something that is no error',
      () => {
        throw 'text'
      },
      '',
    ],
    [
      'a promise',
      async () => forge.userId,
      'subject returned a promise. It must return the id of a user at once.',
    ],
    [
      'a promise that fails',
      async () => {
        throw new Error('No.')
      },
      'subject returned a promise. It must return the id of a user at once.',
    ],
    ['a number', () => 7, 'subject returned something that is no UUID.'],
    ['a text that is no UUID', () => 'ada', 'subject returned something that is no UUID.'],
    ['an object', () => ({ toString: () => forge.userId }), 'subject returned something that is no UUID.'],
  ])('that gives %s refuses the token, and the log is told', async (_, gives, message) => {
    lines.length = 0
    answer = gives
    expect(await forge.present(forge.make())).toEqual(refusal())
    expect(failures()).toMatchObject([{ level: 50, err: { message } }])
    // The process lives on.
    answer = () => forge.userId
    expect(await forge.present(forge.make())).toEqual(forge.accepted)
  })

  it('gets the verified claims, and all of them', async () => {
    let seen: unknown
    answer = () => forge.userId
    const system = openFormerSystem('HS256', {
      issuer: 'https://seen.example.com',
      subject(claims) {
        seen = claims
        return forge.userId
      },
    })
    server.auth.accept(system.options)
    const other = openFormerForge(server, system, forge.userId)
    await other.present(other.make({ signer: hmac('sha256', 'forged') }))
    expect(seen).toBeUndefined()
    await other.present(other.make({ claims: { tenant: { id: 7 } } }))
    expect(seen).toEqual({ ...other.claims, tenant: { id: 7 } })
  })
})

describe('PS256, and the longer hashes', () => {
  const server = useServer()
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const pss = (input: string) =>
    sign('sha256', Buffer.from(input), { key: rsa.privateKey, padding: 6, saltLength: 32 })

  it('are accepted where they are listed', async () => {
    const userId = await importUser(server)
    const one = openFormerSystem('RS256', { algorithms: ['RS256', 'PS256'], key: rsa.publicKey })
    const two = openFormerSystem('ES256', {
      algorithms: ['ES384'],
      key: p384.publicKey.export({ format: 'jwk' }),
    })
    for (const { options } of [one, two]) server.auth.accept(options)
    const forge = openFormerForge(server, one, userId)
    const es384 = (input: string) =>
      sign('sha384', Buffer.from(input), { key: p384.privateKey, dsaEncoding: 'ieee-p1363' })
    for (const token of [
      forge.make({ signer: rs256(rsa.privateKey) }),
      forge.make({ header: { alg: 'PS256' }, signer: pss }),
      forge.make({ header: { alg: 'ES384' }, signer: es384 }),
    ])
      expect(await forge.present(token)).toEqual(forge.accepted)
    expect(await forge.present(forge.make({ signer: pss }))).toEqual(refusal())
  })
})
