import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { openForeignHashes } from '../../src/passwords/foreign/foreignHashes.ts'

/*
 * Hashes that other programs made: the README of firebase/scrypt, the tests of argon2's reference implementation, the
 * documentation of Passlib, and Python's hashlib and crypt (libxcrypt).
 */

const secret = randomBytes(32)
const hashes = openForeignHashes(secret)

const signerKey = 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=='
const firebaseHash =
  '42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=='
const firebase = `$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=${signerKey}$${firebaseHash}`

const vectors: [format: string, hash: string, password: string][] = [
  [
    'argon2id',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    'password',
  ],
  ['bcrypt, $2b$', '$2b$10$N9qo8uLOickgx2ZMRZoMyeUalutVAUeK1iyhYKLzwpTyWAft3dHE.', 'correct horse battery'],
  ['bcrypt, $2a$', '$2a$04$N9qo8uLOickgx2ZMRZoMye9COBKsOPKEJDHJoe/BuRouJin6Qswhq', 'correct horse battery'],
  [
    'bcrypt, $2y$, not normalized',
    '$2y$05$abcdefghijklmnopqrstuuNMmuxTjQeowZ9BXYyJ5Uzr9drJLfUNu',
    'pässword²',
  ],
  [
    'scrypt',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
    'password',
  ],
  ['Firebase’s scrypt', firebase, 'user1password'],
  [
    'PBKDF2 with sha256',
    'pbkdf2_sha256$1000$seasalt$DrdiWD40lyBuydnjvZiDrdQMx1S1mOA9O0QYex0R6ww=',
    'correct horse battery',
  ],
  [
    'PBKDF2 with sha512',
    'pbkdf2_sha512$1000$seasalt$FMS8/pUv/fQNmHKwUnMEHJsdcm2LuxCxAOnZ9c4UqOCkw4+nZ2+AQePOZ2vckECQ2flS+R6TadgB5G+3lvNTZQ==',
    'correct horse battery',
  ],
  ['PBKDF2 with sha1', 'pbkdf2_sha1$1000$seasalt$LPTbYn9/9ALjztx0Dtq5V+DLYLg=', 'correct horse battery'],
]

describe('A hash of another system', () => {
  it.each(vectors)('is verified: %s', async (_, hash, password) => {
    const stored = hashes.toStored(hash)
    expect(await hashes.read(stored).verify(password)).toBe(true)
    expect(await hashes.read(stored).verify(`${password}.`)).toBe(false)
    expect(await hashes.read(stored).verify('')).toBe(false)
  })

  it('is verified with the bytes as they were typed: other systems normalize nothing', async () => {
    const stored = hashes.toStored('$2y$05$abcdefghijklmnopqrstuuNMmuxTjQeowZ9BXYyJ5Uzr9drJLfUNu')
    expect(await hashes.read(stored).verify('pässword2')).toBe(false)
  })

  it.each([
    ['is cut after 72 bytes', '$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i', 'x'.repeat(72)],
    [
      'is cut inside a letter',
      '$2b$04$abcdefghijklmnopqrstuuKiIlCeXB6chNXkLyAo8C7XcLPzh6zUe',
      'é'.repeat(36),
    ],
    ['ends at a NUL', '$2b$04$abcdefghijklmnopqrstuurVuonhdASGxouTT2vs6aczD1rdQw2kq', 'before\0'],
  ])('of bcrypt sees of a password what bcrypt sees: it %s', async (_, hash, start) => {
    const stored = hashes.toStored(hash)
    for (const end of ['', 'one end', 'éanother end'])
      expect(await hashes.read(stored).verify(start + end)).toBe(true)
    expect(await hashes.read(stored).verify(start.slice(1))).toBe(false)
  })

  it('of Firebase is stored without its signer key, and of no use under another secret', async () => {
    const stored = hashes.toStored(firebase)
    expect(stored).toMatch(/^\$fbscrypt\$v=1,n=14,r=8,p=1,ss=Bw,ek=[A-Za-z0-9+/]+\$42xEC\+ixf3L2lw\$/)
    const plain = Buffer.from(signerKey, 'base64')
    const encrypted = Buffer.from(stored.match(/ek=([^$]+)/)?.[1] ?? '', 'base64')
    expect(encrypted.length).toBe(plain.length + 28)
    expect(encrypted.includes(plain.subarray(0, 8))).toBe(false)
    // The same line is the same hash again, as the resume of an import needs.
    expect(openForeignHashes(secret).toStored(firebase)).toBe(stored)
    const other = openForeignHashes(randomBytes(32))
    expect(other.toStored(firebase)).not.toBe(stored)
    expect(() => other.read(stored)).toThrow('A stored hash can not be read.')
    // A file can not bring an encrypted key.
    expect(() => hashes.toStored(stored)).toThrow(/^This is not a hash of the form \$fbscrypt\$/)
  })

  it('of Firebase may be written in the alphabet of URLs', async () => {
    const [before = '', after = ''] = firebase.split('lw==$')
    const stored = hashes.toStored(`${before}lw$${after.replaceAll('/', '_').replaceAll('+', '-')}`)
    expect(stored).toBe(hashes.toStored(firebase))
  })
})

const salt = 'abcdefghijklmnopqrstuu'
const bcryptHash = 'KiIlCeXB6chNXkLyAo8C7XcLPzh6zUe'
const sha256 = 'DrdiWD40lyBuydnjvZiDrdQMx1S1mOA9O0QYex0R6ww='

describe('A hash is refused when it', () => {
  it.each([
    ['is a password', 'correct horse battery'],
    ['is MD5', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['is empty', ''],
    ['is PHP’s old bcrypt', `$2x$10$${salt}${bcryptHash}`],
    ['has a cost of bcrypt that there is not', `$2b$03$${salt}${bcryptHash}`],
    ['is too short for bcrypt', `$2b$10$${salt}${bcryptHash.slice(1)}`],
    ['is too long for bcrypt', `$2b$10$${salt}${bcryptHash}e`],
    ['is bcrypt and a NUL', `$2b$10$${salt}${bcryptHash}\0`],
    ['is bcrypt and a line', `$2b$10$${salt}${bcryptHash}\n`],
    ['has another alphabet than bcrypt', `$2b$10$${salt}${bcryptHash.replace('K', '+')}`],
    ['has bits in bcrypt’s salt that do not count', `$2b$10$${salt.slice(0, -1)}v${bcryptHash}`],
    ['is argon2i', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
    [
      'is an old argon2id',
      '$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'is argon2id with a key',
      '$argon2id$v=19$m=65536,t=2,p=1,keyid=Zm9v$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'is argon2id without a salt',
      '$argon2id$v=19$m=65536,t=2,p=1$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'is argon2id without memory',
      '$argon2id$v=19$m=7,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'is scrypt with N of 1',
      '$scrypt$ln=0,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
    ],
    [
      'is scrypt without blocks',
      '$scrypt$ln=4,r=0,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
    ],
    ['is scrypt with a hash of 8 bytes', '$scrypt$ln=4,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjM'],
    ['is Firebase’s without a key', firebase.replace(signerKey, '')],
    ['is Firebase’s with a hash of another length', firebase.replace('lSrf', '')],
    ['is PBKDF2 with md5', `pbkdf2_md5$1000$seasalt$${sha256}`],
    ['is PBKDF2 with the name of a property', `pbkdf2_constructor$1000$seasalt$${sha256}`],
    [
      'is PBKDF2 with a hash of another length',
      'pbkdf2_sha512$1000$seasalt$DrdiWD40lyBuydnjvZiDrdQMx1S1mOA9O0QYex0R6ww=',
    ],
    ['is PBKDF2 without iterations', `pbkdf2_sha256$0$seasalt$${sha256}`],
    [
      'is PBKDF2 in hexadecimal',
      'pbkdf2_sha256$1000$seasalt$0eb762583e3497206ec9d9e3bd9883addd40cc754b5a6a0eb762583e34972066',
    ],
  ])('%s', (_, hash) => {
    const refusal = { code: 'BAD_USER_INPUT', details: { argument: 'passwordHash', reason: 'HASH_FORMAT' } }
    expect(() => hashes.toStored(hash)).toThrow(expect.objectContaining(refusal))
  })

  it.each([
    ['bcrypt', `$2b$15$${salt}${bcryptHash}`],
    ['bcrypt, at its most', `$2b$31$${salt}${bcryptHash}`],
    ['bcrypt beyond what there is', `$2b$99$${salt}${bcryptHash}`],
    [
      'argon2id, in memory',
      '$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'argon2id, in passes',
      '$argon2id$v=19$m=65536,t=13,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'argon2id, in lanes',
      '$argon2id$v=19$m=65536,t=2,p=17$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'scrypt, in N',
      '$scrypt$ln=18,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
    ],
    [
      'scrypt, in p',
      '$scrypt$ln=14,r=8,p=9$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
    ],
    ['Firebase’s scrypt', firebase.replace('n=14', 'n=20')],
    ['PBKDF2 with sha256', `pbkdf2_sha256$1000000000$seasalt$${sha256}`],
    ['PBKDF2 with sha256, by one', `pbkdf2_sha256$3000001$seasalt$${sha256}`],
  ])('costs more than about a second at each login: %s', (_, hash) => {
    const refusal = { code: 'BAD_USER_INPUT', details: { argument: 'passwordHash', reason: 'HASH_COST' } }
    expect(() => hashes.toStored(hash)).toThrow(expect.objectContaining(refusal))
  })
})
