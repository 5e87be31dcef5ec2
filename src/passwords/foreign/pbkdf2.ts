import { pbkdf2 as pbkdf2WithCallback, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type ForeignFormat, readBase64, tooExpensive, wrongFormat } from './format.ts'

const derive = promisify(pbkdf2WithCallback)

const form = /^pbkdf2_([a-z0-9]+)\$([1-9]\d{0,11})\$([\x21-\x23\x25-\x7E]{1,128})\$([A-Za-z0-9+/=]+)$/

/** The bytes of each digest, the iterations that take about a second, and those that take as long as Annul's own hash. */
const digests: Readonly<Record<string, { bytes: number; maxIterations: number; ofOwnHash: number }>> = {
  sha1: { bytes: 20, maxIterations: 3_000_000, ofOwnHash: 50_000 },
  sha256: { bytes: 32, maxIterations: 3_000_000, ofOwnHash: 50_000 },
  sha512: { bytes: 64, maxIterations: 1_000_000, ofOwnHash: 20_000 },
}

/** PBKDF2 as Django writes it: `pbkdf2_sha256$600000$SALT$HASH`, also with sha1 and sha512. The salt is text. */
export const pbkdf2: ForeignFormat = {
  start: /^pbkdf2_/,
  read(text) {
    const [, digest = '', iterations, salt = '', hash = ''] = form.exec(text) ?? []
    const known = Object.hasOwn(digests, digest) ? digests[digest] : undefined
    const hashBytes = readBase64(hash)
    if (known === undefined || hashBytes?.length !== known.bytes)
      throw wrongFormat(
        'This is not a hash of the form pbkdf2_sha256$ITERATIONS$SALT$HASH with sha1, sha256 or sha512.',
      )
    const count = Number(iterations)
    if (count > known.maxIterations)
      throw tooExpensive(`PBKDF2 with ${digest} may have at most ${known.maxIterations} iterations.`)
    return {
      cost: count / known.ofOwnHash,
      verify: async password =>
        timingSafeEqual(await derive(password, salt, count, known.bytes, digest), hashBytes),
    }
  },
}
