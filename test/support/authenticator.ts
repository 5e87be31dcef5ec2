import {
  createHash,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign as signWith,
} from 'node:crypto'

/*
 * A software authenticator with its browser: it answers WebAuthn's options with real attestations and assertions. Every
 * part of an answer can be changed before it is signed, or after.
 */

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256'

/** The bits of authenticator data (WebAuthn Level 3, 6.1). */
export const flag = { UP: 1, UV: 4, BE: 8, BS: 16, AT: 64, ED: 128 } as const

/** What of an answer is made otherwise than an honest authenticator and browser make it. */
export interface Tampering {
  /** Members of the client data; undefined removes one. */
  readonly clientData?: Readonly<Record<string, unknown>>
  /** The client data as text or bytes, in place of JSON. */
  readonly clientDataText?: string | Buffer
  readonly flags?: number
  readonly counter?: number
  readonly rpId?: string
  /** Changes the authenticator data before it is signed. */
  readonly authData?: (bytes: Buffer) => Buffer
  /** Changes the answer after it is signed. */
  readonly response?: (answer: Answer) => unknown
}

export interface NewPasskeyTampering extends Tampering {
  readonly credentialId?: Buffer
  /** The public key in COSE. */
  readonly cose?: Buffer
  /** The format and the statement of the attestation. */
  readonly attestation?: (signed: {
    readonly authData: Buffer
    readonly clientDataHash: Buffer
    readonly sign: (data: Buffer) => Buffer
  }) => readonly [fmt: string, statement: Buffer]
}

export interface AssertionTampering extends Tampering {
  /** Signs by another key. */
  readonly key?: KeyObject
  readonly signature?: (signature: Buffer) => Buffer
  /** null: none is sent. */
  readonly userHandle?: Buffer | null
}

/** An answer, as a browser's `toJSON` gives it. */
export interface Answer {
  readonly id: string
  readonly rawId: string
  readonly type: string
  readonly response: Readonly<Record<string, unknown>>
  readonly [more: string]: unknown
}

/** A challenge of the contract. */
export interface Challenge {
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: options of WebAuthn, as they come
  readonly options: any
}

/** A passkey in an authenticator. */
export interface Passkey {
  readonly id: string
  readonly algorithm: Algorithm
  readonly key: KeyObject
  /** The user handle that it was made with. */
  readonly userHandle: Buffer
  readonly flags: number
  counter: number
}

/** The flags of a passkey that is synchronised, and of one that stays in its device. */
export const synced = flag.UP | flag.UV | flag.BE | flag.BS
export const deviceBound = flag.UP | flag.UV

export interface Authenticator {
  /** Answers `navigator.credentials.create`. */
  create(challenge: Challenge, tampering?: NewPasskeyTampering): { answer: unknown; passkey: Passkey }
  /** Answers `navigator.credentials.get`. The counter rises by one, unless the passkey has none (0). */
  get(challenge: Challenge, passkey: Passkey, tampering?: AssertionTampering): unknown
}

/** @param options.origin of the page that asks */
export function openAuthenticator(
  options: { origin?: string; algorithm?: Algorithm; flags?: number; counts?: boolean } = {},
): Authenticator {
  const { origin = 'http://localhost:4000', algorithm = 'ES256', flags = synced, counts = true } = options

  const clientDataOf = (type: string, challenge: string, tampering: Tampering): Buffer => {
    const { clientData, clientDataText } = tampering
    if (typeof clientDataText === 'string') return Buffer.from(clientDataText)
    if (clientDataText !== undefined) return clientDataText
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...clientData }))
  }
  const authDataOf = (rpId: string, tampering: Tampering, usual: number, counter: number, more: Buffer) => {
    const bytes = Buffer.concat([sha256(tampering.rpId ?? rpId), Buffer.alloc(5), more])
    bytes.writeUInt8(tampering.flags ?? usual, 32)
    bytes.writeUInt32BE(tampering.counter ?? counter, 33)
    return tampering.authData?.(bytes) ?? bytes
  }

  return {
    create({ options }, tampering = {}) {
      const { publicKey, privateKey } = generateKey(algorithm)
      const credentialId = tampering.credentialId ?? randomBytes(32)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(credentialId.length)
      const cose = tampering.cose ?? coseOf(publicKey.export({ format: 'jwk' }), algorithm)
      const attested = Buffer.concat([Buffer.alloc(16), length, credentialId, cose])
      const counter = counts ? 1 : 0
      const authData = authDataOf(options.rp.id, tampering, flags | flag.AT, counter, attested)
      const clientDataJSON = clientDataOf('webauthn.create', options.challenge, tampering)
      const [fmt, statement] = tampering.attestation?.({
        authData,
        clientDataHash: sha256(clientDataJSON),
        sign: data => signature(algorithm, privateKey, data),
      }) ?? ['none', cborMap([])]
      const attestationObject = cborMap([
        [cborText('fmt'), cborText(fmt)],
        [cborText('attStmt'), statement],
        [cborText('authData'), cborBytes(authData)],
      ])
      const id = credentialId.toString('base64url')
      const answer: Answer = {
        ...{ id, rawId: id, type: 'public-key', authenticatorAttachment: 'platform' },
        clientExtensionResults: { credProps: { rk: true } },
        response: {
          clientDataJSON: clientDataJSON.toString('base64url'),
          attestationObject: attestationObject.toString('base64url'),
          transports: ['internal', 'hybrid'],
        },
      }
      const userHandle = Buffer.from(options.user.id, 'base64url')
      return {
        answer: tampering.response?.(answer) ?? answer,
        passkey: { id, algorithm, key: privateKey, userHandle, flags, counter: tampering.counter ?? counter },
      }
    },

    get({ options }, passkey, tampering = {}) {
      if (passkey.counter > 0) passkey.counter++
      const authData = authDataOf(
        ...([options.rpId, tampering, passkey.flags, passkey.counter, Buffer.alloc(0)] as const),
      )
      const clientDataJSON = clientDataOf('webauthn.get', options.challenge, tampering)
      const signed = signature(
        passkey.algorithm,
        tampering.key ?? passkey.key,
        Buffer.concat([authData, sha256(clientDataJSON)]),
      )
      const { userHandle = passkey.userHandle } = tampering
      const answer: Answer = {
        ...{ id: passkey.id, rawId: passkey.id, type: 'public-key', authenticatorAttachment: 'platform' },
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientDataJSON.toString('base64url'),
          authenticatorData: authData.toString('base64url'),
          signature: (tampering.signature?.(signed) ?? signed).toString('base64url'),
          ...(userHandle !== null && { userHandle: userHandle.toString('base64url') }),
        },
      }
      return tampering.response?.(answer) ?? answer
    },
  }
}

export function sha256(data: Buffer | string): Buffer {
  return createHash('sha256').update(data).digest()
}

export function generateKey(algorithm: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'EdDSA':
      return generateKeyPairSync('ed25519')
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}

function signature(algorithm: Algorithm, key: KeyObject, data: Buffer): Buffer {
  return signWith(algorithm === 'EdDSA' ? null : 'sha256', data, key)
}

/** A public key in COSE (RFC 9052). */
export function coseOf(
  jwk: JsonWebKey,
  algorithm: Algorithm,
  more: { alg?: number; crv?: number } = {},
): Buffer {
  const member = (text: string | undefined) => cborBytes(Buffer.from(text ?? '', 'base64url'))
  const { kty, alg, crv } = {
    ES256: { kty: 2, alg: -7, crv: 1 },
    EdDSA: { kty: 1, alg: -8, crv: 6 },
    RS256: { kty: 3, alg: -257, crv: 0 },
  }[algorithm]
  const head: [Buffer, Buffer][] = [
    [cborInt(1), cborInt(kty)],
    [cborInt(3), cborInt(more.alg ?? alg)],
  ]
  if (algorithm === 'RS256')
    return cborMap([...head, [cborInt(-1), member(jwk.n)], [cborInt(-2), member(jwk.e)]])
  const point: [Buffer, Buffer][] = [
    [cborInt(-1), cborInt(more.crv ?? crv)],
    [cborInt(-2), member(jwk.x)],
  ]
  return cborMap([
    ...head,
    ...point,
    ...(jwk.y === undefined ? [] : [[cborInt(-3), member(jwk.y)] as [Buffer, Buffer]]),
  ])
}

/* CBOR (RFC 8949), as much as is needed. */

export function cborMap(entries: readonly (readonly [Buffer, Buffer])[]): Buffer {
  return Buffer.concat([cborHead(5, entries.length), ...entries.flat()])
}

export function cborList(items: readonly Buffer[]): Buffer {
  return Buffer.concat([cborHead(4, items.length), ...items])
}

export function cborText(text: string): Buffer {
  return Buffer.concat([cborHead(3, Buffer.byteLength(text)), Buffer.from(text)])
}

export function cborBytes(bytes: Buffer): Buffer {
  return Buffer.concat([cborHead(2, bytes.length), bytes])
}

export function cborInt(number: number): Buffer {
  return number < 0 ? cborHead(1, -1 - number) : cborHead(0, number)
}

function cborHead(major: number, argument: number): Buffer {
  const type = major << 5
  if (argument < 24) return Buffer.from([type | argument])
  if (argument < 256) return Buffer.from([type | 24, argument])
  return Buffer.from([type | 25, argument >> 8, argument & 255])
}
