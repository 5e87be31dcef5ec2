import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { encode, es256, type Forge, hmac, openForge, refusal, refuses } from '../support/forge.ts'
import { useServer } from '../support/server.ts'

/* Forged headers, against a node over HTTP: nothing in a token chooses its key but the id of one that is known. */

const server = useServer()
let forge: Forge
beforeAll(async () => {
  forge = openForge(server, (await server.signUp()).accessToken)
})

const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const attackerJwk = attacker.publicKey.export({ format: 'jwk' })
const attackerDer = attacker.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
const stranger = es256(attacker.privateKey)

describe('the key of a token (ASVS 5.0 9.2.2)', () => {
  const paths = ['../../../../dev/null', '/dev/null', 'file:///dev/null', 'C:\\nul', '../keys/public.pem\0']
  const statements = [
    "' or '1'='1",
    "x' union select 'AA==' --",
    '"; drop table annul.signing_keys; --',
    '{}',
  ]

  refuses(() => forge, {
    "a stranger's signature, under the key's id and under the stranger's own": ({ make }) => [
      make({ signer: stranger }),
      make({ header: { kid: randomUUID() }, signer: stranger }),
    ],
    'a kid with a path, signed with what the file holds': ({ make }) =>
      paths.flatMap(kid => [
        make({ header: { kid } }),
        make({ header: { kid, alg: 'HS256' }, signer: hmac('sha256', '') }),
      ]),
    'a kid with SQL, signed with what it would select': ({ make }) =>
      statements.flatMap(kid => [
        make({ header: { kid } }),
        make({ header: { kid, alg: 'HS256' }, signer: hmac('sha256', Buffer.from('AA==', 'base64')) }),
      ]),
    'a kid that is no id of a key': ({ make, header }) =>
      [
        randomUUID(),
        String(header.kid).toUpperCase(),
        `${header.kid} `,
        '',
        'constructor',
        '__proto__',
        0,
        null,
        undefined,
      ]
        .concat([[header.kid], { kid: header.kid }] as never[])
        .map(kid => make({ header: { kid } })),
    'a key that the header brings along (jwk), even the right one': ({ make, publicKey }) => [
      make({ header: { jwk: attackerJwk }, signer: stranger }),
      make({ header: { jwk: attackerJwk, kid: undefined }, signer: stranger }),
      make({ header: { jwk: { ...attackerJwk, kid: 'mine' }, kid: 'mine' }, signer: stranger }),
      make({ header: { jwk: publicKey.export({ format: 'jwk' }) } }),
    ],
    'a certificate that the header brings along (x5c, x5t)': ({ make }) => [
      make({ header: { x5c: [attackerDer] }, signer: stranger }),
      make({ header: { x5c: [attackerDer], kid: undefined }, signer: stranger }),
      make({ header: { x5c: [attackerDer] } }),
      make({ header: { x5t: encode('thumbprint') } }),
    ],
    'an extension that must be understood (crit), known, unknown or empty': ({ make }) =>
      [['b64'], ['exp'], ['https://example.com/extension'], [], 'exp', null].flatMap(crit => [
        make({ header: { crit } }),
        make({ header: { crit, b64: false, exp: 1, 'https://example.com/extension': true } }),
      ]),
    'any other member of the header': ({ make }) =>
      [{ b64: false }, { zip: 'DEF' }, { cty: 'JWT' }, { enc: 'A128GCM' }, { more: 1 }].map(header =>
        make({ header }),
      ),
    'a wrong typ': ({ make }) =>
      ['JWT', 'jwt', 'at+JWT', 'application/at+jwt', 'id_token', 'rt+jwt', '', null, undefined].map(typ =>
        make({ header: { typ } }),
      ),
  })

  it('is never fetched from an address in the header (jku, x5u) (ASVS 5.0 9.1.3)', async () => {
    let fetched = 0
    const thief = createServer((_, response) => {
      fetched++
      response.end(JSON.stringify({ keys: [{ ...attackerJwk, kid: 'mine', alg: 'ES256' }] }))
    })
    await new Promise<void>(resolve => thief.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/.well-known/jwks.json`
      for (const member of ['jku', 'x5u'])
        for (const kid of ['mine', url, forge.header.kid, undefined]) {
          const token = forge.make({ header: { [member]: url, kid }, signer: stranger })
          expect(await forge.present(token)).toEqual(refusal())
          expect(await forge.present(forge.make({ header: { [member]: url, kid } }))).toEqual(refusal())
        }
      expect(fetched).toBe(0)
    } finally {
      await new Promise(resolve => thief.close(resolve))
    }
  })
})
