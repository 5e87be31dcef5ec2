import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must, refusal, refused } from '../support/answers.ts'
import { certified, selfAttested } from '../support/attestation.ts'
import {
  type AssertionTampering,
  type Challenge,
  cborInt,
  cborMap,
  cborText,
  coseOf,
  deviceBound,
  flag,
  generateKey,
  type NewPasskeyTampering,
  openAuthenticator,
  synced,
} from '../support/authenticator.ts'
import { reauthenticateWith } from '../support/factors.ts'
import {
  beginPasskey,
  beginPasskeyLogin,
  confirmPasskey,
  enrollPasskey,
  passkeyLogin,
  signUpWithPasskey,
} from '../support/passkeys.ts'
import { useServer } from '../support/server.ts'
import { useFixture } from '../support/useFixture.ts'
import { challenges, type OpenedChallenge } from './challenges.ts'

/*
 * The lists of WebAuthn Level 3 that a relying party goes through, 7.1 for a new passkey and 7.2 for a proof by one: for
 * each step the attacks that it stops, and the answer. The answer is one and the same for all of them.
 */

const origin = 'https://auth.example.com'
const server = useServer({
  env: {
    ANNUL_PUBLIC_URL: origin,
    ANNUL_ALLOWED_ORIGINS: 'https://app.example.org,https://shop.auth.example.com',
  },
})
const authenticator = openAuthenticator({ origin })

/** Origins that no page of this server has. */
const foreignOrigins: readonly (readonly [string, unknown])[] = [
  ['a foreign origin', 'https://auth.example.com.evil.example'],
  ['a domain below the RP ID that is not allowed', 'https://evil.auth.example.com'],
  ['the domain above the RP ID', 'https://example.com'],
  ['another port', 'https://auth.example.com:8443'],
  ['no TLS', 'http://auth.example.com'],
  ['a path', 'https://auth.example.com/'],
  ['capitals', 'https://AUTH.example.com'],
  ['an opaque origin', 'null'],
  ['no origin', undefined],
  ['a list with the origin', ['https://auth.example.com']],
  ['localhost, which is for development alone', 'http://localhost:4000'],
]
const frames: readonly (readonly [number, string, Record<string, unknown>])[] = [
  [0, 'a frame of another origin', { crossOrigin: true }],
  [0, 'a frame of another origin, by a text', { crossOrigin: 'true' }],
  [1, 'a frame of a named origin', { crossOrigin: true, topOrigin: 'https://evil.example' }],
  [1, 'a frame of an allowed origin', { crossOrigin: true, topOrigin: 'https://app.example.org' }],
  [1, 'a named top origin without a frame', { topOrigin: origin }],
]
/** Texts that are no client data. */
const brokenClientData: readonly (readonly [number, string, string | Buffer])[] = [
  [0, 'UTF-16', Buffer.from('{}', 'utf16le')],
  [1, 'no JSON', '{'],
  [1, 'a JSON list', '[]'],
  [1, 'a JSON null', 'null'],
  [1, 'an empty object', '{}'],
]

describe('a new passkey (7.1)', () => {
  const account = useFixture(async () => ({ ...(await server.signUp()), close: async () => {} }))

  type Row = readonly [step: number, attack: string, tampering: NewPasskeyTampering]
  const flags = deviceBound | flag.AT
  const spoiled = (name: string, value: unknown): NewPasskeyTampering => ({
    response: answer => ({ ...answer, response: { ...answer.response, [name]: value } }),
  })
  const es256 = () => generateKey('ES256').publicKey.export({ format: 'jwk' })
  const p384 = {
    ...es256(),
    x: randomBytes(48).toString('base64url'),
    y: randomBytes(48).toString('base64url'),
  }
  const rsa = (n: Buffer, e = Buffer.from([1, 0, 1])) =>
    coseOf({ n: n.toString('base64url'), e: e.toString('base64url') }, 'RS256')
  const oddNumber = (bytes: number) => {
    const number = randomBytes(bytes)
    number.writeUInt8(0xc1, 0)
    number.writeUInt8(number.readUInt8(bytes - 1) | 1, bytes - 1)
    return number
  }

  const rows: readonly Row[] = [
    [3, 'the answer of another ceremony', { response: a => ({ ...a, response: assertionLike }) }],
    [3, 'no answer', { response: () => [] }],
    [3, 'an answer without its response', { response: ({ id }) => ({ id, rawId: id, type: 'public-key' }) }],
    [3, 'another type of credential', { response: answer => ({ ...answer, type: 'password' }) }],
    [3, 'two ids', { response: answer => ({ ...answer, rawId: randomBytes(32).toString('base64url') }) }],
    [3, 'client data that is no text', spoiled('clientDataJSON', { length: 5 })],
    [3, 'base64 that is not base64url', spoiled('clientDataJSON', 'a+b/')],
    [3, 'base64url with padding', spoiled('clientDataJSON', 'YQ==')],
    [3, 'base64url of two spellings', spoiled('clientDataJSON', 'YR')],
    [3, 'client data of 100 kB', { clientData: { more: 'x'.repeat(60_000) } }],
    ...brokenClientData.map(
      ([more, attack, clientDataText]): Row => [5 + more, `client data: ${attack}`, { clientDataText }],
    ),
    [7, 'the type of a proof', { clientData: { type: 'webauthn.get' } }],
    [7, 'no type', { clientData: { type: undefined } }],
    [7, 'another spelling of the type', { clientData: { type: 'WEBAUTHN.CREATE' } }],
    [7, 'the type of a payment', { clientData: { type: 'payment.get' } }],
    [8, 'another challenge', { clientData: { challenge: randomBytes(32).toString('base64url') } }],
    [8, 'a part of the challenge', { clientData: { challenge: '' } }],
    [8, 'no challenge', { clientData: { challenge: undefined } }],
    [8, 'a challenge that is no text', { clientData: { challenge: { length: 43 } } }],
    ...foreignOrigins.map(
      ([attack, value]): Row => [9, `origin: ${attack}`, { clientData: { origin: value } }],
    ),
    ...frames.map(([more, attack, clientData]): Row => [10 + more, attack, { clientData }]),
    [13, 'no CBOR', spoiled('attestationObject', 'AAAA')],
    [13, 'CBOR that is cut off', spoiled('attestationObject', 'o2NmbXRk')],
    [13, 'CBOR of 6000 levels', spoiled('attestationObject', Buffer.alloc(6000, 0x81).toString('base64url'))],
    [13, 'a map without members', spoiled('attestationObject', cborMap([]).toString('base64url'))],
    [13, 'authenticator data that is cut off', { authData: bytes => bytes.subarray(0, 30) }],
    [13, 'a passkey that is cut off', { authData: bytes => bytes.subarray(0, 60) }],
    [13, 'more behind the passkey', { authData: bytes => Buffer.concat([bytes, Buffer.from([0])]) }],
    [13, 'no passkey', { flags: deviceBound }],
    [14, 'a foreign RP ID', { rpId: 'evil.example' }],
    [14, 'the origin in place of the RP ID', { rpId: origin }],
    [14, 'the domain above', { rpId: 'example.com' }],
    [15, 'nobody was present', { flags: flags & ~flag.UP }],
    [17, 'a backup of what can not be backed up', { flags: flags | flag.BS }],
    [20, 'an algorithm that was not offered', { cose: coseOf(es256(), 'ES256', { alg: -35 }) }],
    [20, 'a broken algorithm (RS1)', { cose: coseOf(es256(), 'ES256', { alg: -65535 }) }],
    [20, 'no algorithm', { cose: cborMap([[cborInt(1), cborInt(2)]]) }],
    [20, 'another curve than that of ES256', { cose: coseOf(p384, 'ES256', { crv: 2 }) }],
    [20, 'the name of another curve on a point', { cose: coseOf(es256(), 'ES256', { crv: 2 }) }],
    [20, 'the type of another algorithm', { cose: coseOf(es256(), 'ES256', { alg: -257 }) }],
    [20, 'Ed448', { cose: coseOf({ x: randomBytes(57).toString('base64url') }, 'EdDSA', { crv: 7 }) }],
    [20, 'a point beside the curve', { cose: coseOf({ ...es256(), y: es256().y ?? '' }, 'ES256') }],
    [20, 'a point of one coordinate', { cose: coseOf({ x: es256().x ?? '' }, 'ES256') }],
    [20, 'an RSA key of 1024 bits', { cose: rsa(oddNumber(128)) }],
    [20, 'an RSA key of 8192 bits', { cose: rsa(oddNumber(1024)) }],
    [20, 'an RSA key of the exponent 3', { cose: rsa(oddNumber(256), Buffer.from([3])) }],
    [20, 'an RSA key of the exponent 1', { cose: rsa(oddNumber(256), Buffer.from([1])) }],
    [20, 'a key that is a text', { cose: cborText('key') }],
    ...['fido-u2f', 'android-key', 'android-safetynet', 'tpm', 'apple', 'NONE', 'mine'].map(
      (fmt): Row => [21, `the attestation "${fmt}"`, { attestation: () => [fmt, cborMap([])] }],
    ),
    [21, 'an attestation without a name', { attestation: () => ['', cborMap([])] }],
    [
      22,
      'a right signature by a certificate, which is not looked at',
      {
        attestation: ({ authData, clientDataHash }) => certified(Buffer.concat([authData, clientDataHash])),
      },
    ],
    [
      22,
      'no attestation, with a statement',
      { attestation: () => ['none', cborMap([[cborInt(1), cborInt(1)]])] },
    ],
    [22, 'a statement that is no map', { attestation: () => ['none', cborInt(1)] }],
    [
      22,
      'an own attestation of something else',
      { attestation: ({ sign }) => selfAttested(-7, sign(randomBytes(9))) },
    ],
    [
      22,
      'an own attestation by another algorithm',
      {
        attestation: ({ authData, clientDataHash, sign }) =>
          selfAttested(-257, sign(Buffer.concat([authData, clientDataHash]))),
      },
    ],
    [22, 'an own attestation without a signature', { attestation: () => ['packed', cborMap([])] }],
    [25, 'an id of 1024 bytes', { credentialId: randomBytes(1024) }],
    [
      25,
      'another id beside the passkey than in it',
      {
        response: answer => {
          const id = randomBytes(32).toString('base64url')
          return { ...answer, id, rawId: id }
        },
      },
    ],
  ]

  it.each(rows)('step %i: %s is refused', async (_step, _attack, tampering) => {
    const challenge = await enrollPasskey(server, account.accessToken)
    const { answer } = authenticator.create(challenge, tampering)
    expect(refusal(await confirmPasskey(server, account.accessToken, challenge.id, answer))).toEqual(
      invalid('response'),
    )
    expect(await server.rows(sql`select 1 from annul.factors where user_id = ${account.userId}`)).toEqual([])
  })

  it.each(challenges)('step 8: %s is refused', async (_attack, open) => {
    const opened = await open(server, account, 'webauthn.create')
    const { answer } = authenticator.create(creation(opened))
    expect(refusal(await confirmPasskey(server, account.accessToken, opened.id, answer))).toEqual(
      invalid('response'),
    )
  })

  it('step 26: an id that is registered is refused, for its own user and for another one', async () => {
    const owner = await signUpWithPasskey(server, authenticator)
    const credentialId = Buffer.from(owner.passkey.id, 'base64url')
    const signIn = await beginPasskeyLogin(server)
    const signedIn = await passkeyLogin(server, signIn.id, authenticator.get(signIn, owner.passkey))
    for (const token of [signedIn.data?.passkeyLogin.accessToken ?? '', account.accessToken]) {
      const challenge = await enrollPasskey(server, token)
      const { answer } = authenticator.create(challenge, { credentialId })
      expect(refusal(await confirmPasskey(server, token, challenge.id, answer))).toEqual(invalid('response'))
    }
    const found = await server.rows<{ user_id: string }>(
      sql`select user_id from annul.factors where credential_id = ${owner.passkey.id}`,
    )
    expect(found).toEqual([{ user_id: owner.userId }])
  })

  it.each(['ES256', 'EdDSA', 'RS256'] as const)('step 20: %s is taken, and signs in', async algorithm => {
    const mine = openAuthenticator({ origin, algorithm })
    const { passkey, userId } = await signUpWithPasskey(server, mine)
    const challenge = await beginPasskeyLogin(server)
    const answer = await passkeyLogin(server, challenge.id, mine.get(challenge, passkey))
    expect(answer.data?.passkeyLogin.user.id).toBe(userId)
  })

  it.each([
    [5, 'a byte order mark', { clientDataBom: true }],
    [9, 'an allowed origin beside the own one', { clientData: { origin: 'https://app.example.org' } }],
    [9, 'an allowed origin below the RP ID', { clientData: { origin: 'https://shop.auth.example.com' } }],
    [10, 'client data without crossOrigin', { clientData: { crossOrigin: undefined } }],
    [17, 'a passkey that stays in its device', { flags }],
    [17, 'a passkey that is not yet synchronised', { flags: flags | flag.BE }],
    [
      22,
      'an attestation by the own key',
      {
        attestation: ({ authData, clientDataHash, sign }) =>
          selfAttested(-7, sign(Buffer.concat([authData, clientDataHash]))),
      },
    ],
    [25, 'an id of 1023 bytes', { credentialId: randomBytes(1023) }],
    [
      28,
      'extensions that nobody has asked for',
      {
        flags: flags | flag.ED,
        authData: bytes => Buffer.concat([bytes, cborMap([[cborText('credProtect'), cborInt(2)]])]),
      },
    ],
  ] satisfies (readonly [number, string, NewPasskeyTampering & { clientDataBom?: boolean }])[])(
    'step %i: %s is taken',
    async (_step, _what, {
      clientDataBom,
      ...tampering
    }: NewPasskeyTampering & { clientDataBom?: boolean }) => {
      const { accessToken } = await server.signUp()
      const challenge = await enrollPasskey(server, accessToken)
      const clientDataText = `\uFEFF${JSON.stringify({
        ...{ type: 'webauthn.create', challenge: challenge.options.challenge, origin },
      })}`
      const { answer } = authenticator.create(challenge, {
        ...tampering,
        ...(clientDataBom && { clientDataText }),
      })
      const confirmed = await confirmPasskey(server, accessToken, challenge.id, answer, 'Key')
      expect(confirmed.errors).toBeUndefined()
      expect(confirmed.data?.confirmPasskey.factor).toMatchObject({ kind: 'PASSKEY', name: 'Key' })
    },
  )

  it('step 27: the record has what the authenticator said', async () => {
    const { passkey, factorId } = await signUpWithPasskey(server, authenticator, { counter: 7 })
    const [row] = await server.rows(sql`
      select credential_id, counter::int, array_to_json(transports) as transports, backup_eligible, backed_up, confirmed_at is not null as counts
      from annul.factors where id = ${factorId}`)
    expect(row).toEqual({
      ...{ credential_id: passkey.id, counter: 7, transports: ['internal', 'hybrid'] },
      ...{ backup_eligible: true, backed_up: true, counts: true },
    })
  })
})

describe('a proof by a passkey (7.2)', () => {
  const owner = useFixture(async () => ({
    ...(await signUpWithPasskey(server, authenticator)),
    close: async () => {},
  }))
  const bound = useFixture(async () => ({
    ...(await signUpWithPasskey(server, openAuthenticator({ origin, flags: deviceBound }))),
    close: async () => {},
  }))
  const sessionsOf = (userId: string) =>
    server.rows<{ n: number }>(sql`select count(*)::int as n from annul.sessions where user_id = ${userId}`)

  type Row = readonly [step: number, attack: string, tampering: AssertionTampering]
  const spoiled = (name: string, value: unknown): AssertionTampering => ({
    response: answer => ({ ...answer, response: { ...answer.response, [name]: value } }),
  })
  /** Changes bytes of a member after they were signed. */
  const changed = (name: string, change: (bytes: Buffer) => Buffer): AssertionTampering => ({
    response: answer => {
      const bytes = Buffer.from(String(answer.response[name]), 'base64url')
      return { ...answer, response: { ...answer.response, [name]: change(bytes).toString('base64url') } }
    },
  })
  const respelled = (spell: (text: string) => string): AssertionTampering => ({
    response: answer => {
      const authenticatorData = spell(String(answer.response.authenticatorData))
      return { ...answer, response: { ...answer.response, authenticatorData } }
    },
  })
  const flipped = (at: number) => (bytes: Buffer) => {
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    return bytes
  }
  const unknown = randomBytes(32).toString('base64url')

  const rows: readonly Row[] = [
    [3, 'the answer of another ceremony', { response: a => ({ ...a, response: attestationLike }) }],
    [3, 'no answer', { response: () => 'passkey' }],
    [3, 'another type of credential', { response: answer => ({ ...answer, type: 'federated' }) }],
    [3, 'two ids', { response: answer => ({ ...answer, rawId: unknown }) }],
    [3, 'authenticator data that is a list', spoiled('authenticatorData', [1, 2, 3])],
    [3, 'no signature', spoiled('signature', undefined)],
    [3, 'an empty signature', spoiled('signature', '')],
    [3, 'a signature of 50 kB', spoiled('signature', 'A'.repeat(50_000))],
    [3, 'a user handle that is an object', spoiled('userHandle', { length: 22 })],
    [3, 'authenticator data with padding', respelled(text => `${text}==`)],
    [
      3,
      'authenticator data of another spelling',
      respelled(text => text.replace(/.$/, last => nextTo(last))),
    ],
    [3, 'authenticator data in two lines', respelled(text => `${text}\n`)],
    [6, 'an unknown passkey', { response: answer => ({ ...answer, id: unknown, rawId: unknown }) }],
    [6, 'no user handle, where nobody was named before', { userHandle: null }],
    [6, 'the user handle of nobody', { userHandle: randomBytes(16) }],
    [6, 'a user handle that is too long', { userHandle: randomBytes(65) }],
    ...brokenClientData.map(
      ([more, attack, clientDataText]): Row => [8 + more, `client data: ${attack}`, { clientDataText }],
    ),
    [10, 'the type of a new passkey', { clientData: { type: 'webauthn.create' } }],
    [10, 'no type', { clientData: { type: undefined } }],
    [10, 'another spelling of the type', { clientData: { type: 'webauthn.get ' } }],
    [11, 'another challenge', { clientData: { challenge: randomBytes(32).toString('base64url') } }],
    [11, 'no challenge', { clientData: { challenge: undefined } }],
    ...foreignOrigins.map(
      ([attack, value]): Row => [12, `origin: ${attack}`, { clientData: { origin: value } }],
    ),
    ...frames.map(([more, attack, clientData]): Row => [13 + more, attack, { clientData }]),
    [15, 'a foreign RP ID', { rpId: 'evil.example' }],
    [15, 'an allowed host in place of the RP ID', { rpId: 'app.example.org' }],
    [15, 'authenticator data that is cut off', { authData: bytes => bytes.subarray(0, 36) }],
    [15, 'more behind the authenticator data', { authData: bytes => Buffer.concat([bytes, randomBytes(9)]) }],
    [16, 'nobody was present', { flags: synced & ~flag.UP }],
    [17, 'the user was not verified', { flags: synced & ~flag.UV }],
    [18, 'a backup of what can not be backed up', { flags: synced & ~flag.BE }],
    [19, 'a passkey that stays in its device by now', { flags: deviceBound }],
    [
      20,
      'client data that was changed later',
      changed('clientDataJSON', bytes => Buffer.concat([bytes, Buffer.from(' ')])),
    ],
    [21, 'another key', { key: generateKey('ES256').privateKey }],
    [21, 'a key of another kind', { key: generateKey('RS256').privateKey }],
    [21, 'another signature', { signature: () => randomBytes(70) }],
    [21, 'a signature of zeros', { signature: () => Buffer.from('3006020100020100', 'hex') }],
    [21, 'a signature with another bit', changed('signature', flipped(40))],
    [21, 'a signature that is cut off', { signature: bytes => bytes.subarray(0, 60) }],
    [21, 'a counter that was raised later', changed('authenticatorData', flipped(36))],
    [
      21,
      'a flag that was set later',
      { flags: synced & ~flag.UV, ...changed('authenticatorData', flipped(32)) },
    ],
  ]

  it.each(rows)('step %i: %s is refused', async (_step, _attack, tampering) => {
    const before = await sessionsOf(owner.userId)
    const challenge = await beginPasskeyLogin(server)
    const answer = authenticator.get(challenge, owner.passkey, tampering)
    expect(refusal(await passkeyLogin(server, challenge.id, answer))).toEqual(invalid('input.response'))
    expect(await sessionsOf(owner.userId)).toEqual(before)
  })

  it('step 19: a passkey that may be synchronised by now is refused', async () => {
    const challenge = await beginPasskeyLogin(server)
    const answer = bound.authenticator.get(challenge, bound.passkey, { flags: deviceBound | flag.BE })
    expect(refusal(await passkeyLogin(server, challenge.id, answer))).toEqual(invalid('input.response'))
  })

  it.each(challenges)('step 11: %s is refused', async (_attack, open) => {
    const opened = await open(server, { ...owner, ...owner.tokens }, 'webauthn.get')
    const answer = authenticator.get(request(opened), owner.passkey)
    const refusedAnswer = await reauthenticateWith(server, owner.tokens.accessToken, {
      passkey: { id: opened.id, response: answer },
    })
    expect(refusal(refusedAnswer)).toEqual(invalid('input.passkey'))
  })

  it.each([
    [5, 'a passkey of somebody else', {}],
    [6, 'the user handle of somebody else', { userHandle: randomBytes(16) }],
  ] as const)('step %i: %s is refused in a session', async (step, _attack, tampering) => {
    const token = owner.tokens.accessToken
    const challenge = await beginPasskey(server, { token })
    const { passkey } = step === 5 ? bound : owner
    const response = authenticator.get(challenge, passkey, tampering)
    const answer = await reauthenticateWith(server, token, { passkey: { id: challenge.id, response } })
    expect(refusal(answer)).toEqual(invalid('input.passkey'))
  })

  it('step 24: a passkey that has not verified its user signs in alone once it has done so in a session', async () => {
    const account = await server.signUp()
    const begun = await enrollPasskey(server, account.accessToken)
    const made = authenticator.create(begun, { flags: (synced | flag.AT) & ~flag.UV })
    must(await confirmPasskey(server, account.accessToken, begun.id, made.answer))
    const alone = async () => {
      const challenge = await beginPasskeyLogin(server)
      return passkeyLogin(server, challenge.id, authenticator.get(challenge, made.passkey))
    }
    expect(refusal(await alone())).toEqual(invalid('input.response'))
    const challenge = await beginPasskey(server, { token: account.accessToken })
    const response = authenticator.get(challenge, made.passkey)
    must(await reauthenticateWith(server, account.accessToken, { passkey: { id: challenge.id, response } }))
    must(await alone())
  })

  it('step 6: a passkey with the user handle of another user of passkeys is refused', async () => {
    const challenge = await beginPasskeyLogin(server)
    const { userHandle } = bound.passkey
    const answer = authenticator.get(challenge, owner.passkey, { userHandle })
    expect(refusal(await passkeyLogin(server, challenge.id, answer))).toEqual(invalid('input.response'))
  })

  it.each([
    [6, 'no user handle, where the session names the user', { userHandle: null }],
    [12, 'an allowed origin', { clientData: { origin: 'https://app.example.org' } }],
    [17, 'an unverified user, where the password was asked before', { flags: synced & ~flag.UV }],
    [18, 'a passkey whose backup is gone', { flags: synced & ~flag.BS }],
  ] satisfies (readonly [number, string, AssertionTampering])[])(
    'step %i: %s is taken in a session',
    async (_step, _what, tampering) => {
      const token = owner.tokens.accessToken
      const challenge = await beginPasskey(server, { token })
      const response = authenticator.get(challenge, owner.passkey, tampering)
      const answer = await reauthenticateWith(server, token, { passkey: { id: challenge.id, response } })
      expect(answer.errors).toBeUndefined()
    },
  )

  it('step 24: the record gets the counter, the state of the backup and the time', async () => {
    const { authenticator: mine, passkey, factorId } = await signUpWithPasskey(server, authenticator)
    const challenge = await beginPasskeyLogin(server)
    const answer = mine.get(challenge, passkey, { counter: 40, flags: synced & ~flag.BS })
    expect((await passkeyLogin(server, challenge.id, answer)).errors).toBeUndefined()
    const [row] = await server.rows(sql`
      select counter::int, backup_eligible, backed_up, last_used_at > created_at as used
      from annul.factors where id = ${factorId}`)
    expect(row).toEqual({ counter: 40, backup_eligible: true, backed_up: false, used: true })
  })

  it('step 25: an honest proof signs in after all of these', async () => {
    const challenge = await beginPasskeyLogin(server)
    const answer = await passkeyLogin(server, challenge.id, authenticator.get(challenge, owner.passkey))
    expect(answer.data?.passkeyLogin.user.id).toBe(owner.userId)
  })
})

const assertionLike = { clientDataJSON: 'e30', authenticatorData: 'AAAA', signature: 'AAAA' }
const attestationLike = { clientDataJSON: 'e30', attestationObject: 'oA' }

function invalid(argument: string): unknown {
  return refused({ code: 'BAD_USER_INPUT', argument, reason: 'PASSKEY_INVALID' })
}

/** The character whose last bit is the other one: behind 37 bytes it means the same. */
function nextTo(character: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return letters.charAt(letters.indexOf(character) ^ 1)
}

function creation({ id, challenge }: OpenedChallenge): Challenge {
  const user = { id: randomBytes(16).toString('base64url') }
  return { id, options: { challenge, rp: { id: 'auth.example.com' }, user } }
}

function request({ id, challenge }: OpenedChallenge): Challenge {
  return { id, options: { challenge, rpId: 'auth.example.com' } }
}
