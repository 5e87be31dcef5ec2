import { beforeAll, describe, expect, it } from '@jest/globals'
import { accessTokens } from '../../src/tokens/accessToken.ts'
import { encode, type Forge, openForge, refusal, refuses, respell } from '../support/forge.ts'
import { useServer } from '../support/server.ts'

/* What a token says, and how it is spelt. All are signed by the server's own key: the signature is never to blame. */

const server = useServer()
let honest: string
let forge: Forge
beforeAll(async () => {
  honest = (await server.signUp()).accessToken
  forge = openForge(server, honest)
})

const required = 'iss sub aud client_id exp iat jti sid ver epoch roles scope auth_time'.split(' ')

/** Versions before there were second factors sign none, so that a token without it is accepted. */
const optional = ['amr']

describe('the claims (ASVS 5.0 9.2.3 and 9.2.4)', () => {
  it('are those of RFC 9068, and what revocation needs', () => {
    expect(Object.keys(forge.claims).sort()).toEqual([...required, ...optional].sort())
  })

  refuses(() => forge, {
    ...Object.fromEntries(
      required.map(name => [
        `a token without ${name}`,
        ({ make }: Forge) => [make({ claims: { [name]: undefined } }), make({ claims: { [name]: null } })],
      ]),
    ),
    'an issuer that is another one, or a list': ({ make }) =>
      ['other', 'Annul', 'annul ', '', ['annul'], {}, 0].map(iss => make({ claims: { iss } })),
    'an audience that is another one, or a list': ({ make }) =>
      ['other', 'Annul', '', ['annul'], ['annul', 'other'], ['other'], [], {}, true].map(aud =>
        make({ claims: { aud } }),
      ),
    'ids that are no UUIDs': ({ make, claims }) =>
      ['sub', 'sid'].flatMap(name =>
        [
          '',
          'x',
          `{${claims.sub}}`,
          `${claims.sub},${claims.sub}`,
          claims.sub.toUpperCase(),
          [claims.sub],
          1,
          {},
        ].map(id => make({ claims: { [name]: id } })),
      ),
    'numbers that are no whole ones': ({ make }) =>
      ['exp', 'iat', 'ver', 'epoch', 'auth_time'].flatMap(name =>
        ['1', '9999999999', 1.5, -1, 1e300, 2 ** 53, true, [1], {}].map(value =>
          make({ claims: { [name]: value } }),
        ),
      ),
    'roles and scopes of another shape': ({ make }) => [
      ...['admin', [1], [['admin']], { 0: 'admin' }, { includes: 1 }].map(roles =>
        make({ claims: { roles } }),
      ),
      ...[['admin'], 1, {}].map(scope => make({ claims: { scope } })),
    ],
    'proofs of another shape': ({ make }) =>
      ['amr', 'mfa_roles'].flatMap(name =>
        [
          null,
          '',
          'mfa',
          ['mfa', 1],
          [['mfa']],
          [null],
          { 0: 'mfa', length: 1 },
          { includes: 1 },
          1,
          true,
        ].map(value => make({ claims: { [name]: value } })),
      ),
    'a nbf that is no whole number': ({ make }) =>
      ['0', 1.5, -1, null, [], true].map(nbf => make({ claims: { nbf } })),
    'an iat or a nbf in the future': ({ make, claims }) =>
      ['iat', 'nbf'].flatMap(name =>
        [30, 3600, 1e9].map(more => make({ claims: { [name]: claims.iat + more } })),
      ),
    'a payload that is no object': ({ make, claims }) =>
      [
        JSON.stringify(JSON.stringify(claims)),
        JSON.stringify([claims]),
        '"text"',
        'text',
        '',
        '1',
        'true',
        'null',
        '{',
      ].map(text => make({ claims: encode(text) })),
  })

  it('may lack proofs, as in a token of a version that had none', async () => {
    expect(await forge.present(forge.make({ claims: { amr: undefined } }))).toEqual(forge.accepted)
  })

  it('are not told to have expired unless they were authentic', async () => {
    const expired = forge.make({ claims: { exp: forge.claims.iat - 1 } })
    const [, , signature] = honest.split('.')
    expect(await forge.present(expired.replace(/[^.]*$/, signature ?? ''))).toEqual(refusal())
    expect(await forge.present(expired)).toEqual(
      refusal('TOKEN_EXPIRED', 'The access token has expired.', 'REFRESH'),
    )
  })
})

describe('the clock (ASVS 5.0 9.2.1)', () => {
  const time = 1_800_000_000
  /** Verdicts by the node's own keys and settings, at moments that stand still. */
  const verdicts = (claims: Record<string, unknown>, moments: number[]) => {
    const { config, keys } = server.auth.parts
    let now = 0
    const tokens = accessTokens({ ...config, keys, now: () => now })
    const token = forge.make({ claims: { iat: time, exp: time + 600, ...claims } })
    return moments.map(moment => {
      now = moment
      const verdict = tokens.verify(token)
      return typeof verdict === 'string' ? verdict : 'accepted'
    })
  }

  it.each([
    ['an iat 5 s ahead', { iat: time + 5 }, 'accepted'],
    ['an iat 6 s ahead', { iat: time + 6 }, 'TOKEN_INVALID'],
    ['a nbf 5 s ahead', { nbf: time + 5 }, 'accepted'],
    ['a nbf 6 s ahead', { nbf: time + 6 }, 'TOKEN_INVALID'],
    ['a nbf of the past', { nbf: time - 1 }, 'accepted'],
    ['an exp of the next second', { exp: time + 1 }, 'accepted'],
    ['an exp of this second, for which there is no leeway', { exp: time }, 'TOKEN_EXPIRED'],
  ])('meets %s', (_, claims, verdict) => {
    expect(verdicts(claims, [time + 0.9])).toEqual([verdict])
  })

  it('is looked at each time, for a token that it let pass before, too', () => {
    const moments = [time, time - 6, time + 599, time + 600, time + 599]
    expect(verdicts({ nbf: time }, moments)).toEqual([
      'accepted',
      'TOKEN_INVALID',
      'accepted',
      'TOKEN_EXPIRED',
      'accepted',
    ])
  })

  it('lets an iat and a nbf pass over HTTP that are within 5 s', async () => {
    const now = Math.floor(server.auth.parts.clock.now())
    const token = forge.make({ claims: { iat: now + 5, nbf: now + 5 } })
    expect(await forge.present(token)).toEqual(forge.accepted)
  })

  it('lets nothing be signed that was read more than 30 s ago', () => {
    const { config, keys } = server.auth.parts
    const late = (now: number) => accessTokens({ ...config, keys, now: () => now })
    const { iss: _, aud: __, client_id: ___, jti: ____, ...grant } = { ...forge.claims, iat: time }
    expect(late(time + 30).sign(grant)).toMatch(/^eyJ/)
    expect(() => late(time + 30.1).sign(grant)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  })
})

describe('the spelling', () => {
  /** A part whose last letter has bits to spare. */
  const loose = (value: object) => {
    const text = JSON.stringify(value)
    return encode(encode(text).length % 4 === 0 ? `${text} ` : text)
  }
  const [before, after] = ['$1=.$2.$3', '$1.$2=.$3']
  const anyToken = /^(.*)\.(.*)\.(.*)$/

  it('may have spaces in its JSON', async () => {
    const token = forge.make({ header: loose(forge.header), claims: loose(forge.claims) })
    expect(await forge.present(token)).toEqual(forge.accepted)
  })

  refuses(() => forge, {
    'another spelling of the header': ({ make, header }) => [make({ header: respell(loose(header)) })],
    'another spelling of the claims': ({ make, claims }) => [make({ claims: respell(loose(claims)) })],
    'another spelling of the signature': ({ make }) => [make().replace(/[^.]*$/, respell)],
    'padding of any part': ({ make, header, claims }) => [
      make({ header: `${loose(header)}=` }),
      make({ header: `${loose(header)}==` }),
      make({ claims: `${loose(claims)}=` }),
      make({ claims: `${loose(claims)}==` }),
      `${make()}=`,
      `${make()}==`,
      make().replace(anyToken, before),
      make().replace(anyToken, after),
    ],
    'base64 in place of base64url': ({ make }) => {
      let token = make()
      while (!/[-_][^.]*$/.test(token)) token = make()
      return [token.replaceAll('-', '+').replaceAll('_', '/')]
    },
    'letters that a decoder skips, in each part': ({ make, header, claims }) =>
      ['!', '*', '~', '%'].flatMap(letter => [
        make({ header: `${letter}${loose(header)}` }),
        make({ claims: `${loose(claims)}${letter}` }),
        `${make()}${letter}`,
      ]),
    'more or fewer than three parts': ({ make }) => {
      const token = make()
      const [header, claims, signature] = token.split('.')
      return [
        `${token}.`,
        `.${token}`,
        `${token}.${signature}`,
        `${header}.${claims}`,
        `${header}`,
        `${header}..${signature}`,
        '..',
        '...',
        '.',
      ]
    },
  })
})
