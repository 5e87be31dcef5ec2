import { type ScryptOptions, scrypt as scryptWithCallback, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type ForeignFormat, readBase64, tooExpensive, wrongFormat } from './format.ts'

const derive = promisify<string, Uint8Array, number, ScryptOptions, Buffer>(scryptWithCallback)

/** N times r times p, of which N times r is the memory in units of 128 bytes: 128 MiB. OWASP's first choice. */
const maxWork = 2 ** 20
/** N times r times p that takes as long as one of Annul's own hashes. */
const workOfOwnHash = 30_000

export interface ScryptCost {
  /** The logarithm of N. */
  readonly logN: number
  readonly r: number
  readonly p: number
}

/** Runs off the event loop. */
export function deriveScrypt(
  password: string,
  salt: Uint8Array,
  { logN, r, p }: ScryptCost,
  bytes: number,
): Promise<Buffer> {
  const N = 2 ** logN
  // What OpenSSL needs is the memory of the algorithm and a little more.
  return derive(password, salt, bytes, { N, r, p, maxmem: 128 * (N * r + r * p + 4096) })
}

/** In Annul's own hashes (format.ts). */
export function costOfScrypt({ logN, r, p }: ScryptCost): number {
  return (2 ** logN * r * p) / workOfOwnHash
}

/** @throws AuthError BAD_USER_INPUT / HASH_FORMAT for a cost that is none, HASH_COST for one that is too high */
export function checkScryptCost({ logN, r, p }: ScryptCost): void {
  // RFC 7914, 2: N is below 2^(16 r).
  if (logN < 1 || r < 1 || p < 1 || logN >= 16 * r)
    throw wrongFormat('These are no parameters of scrypt: N, r and p are at least 2, 1 and 1.')
  if (2 ** logN * r * p > maxWork)
    throw tooExpensive(`scrypt may have at most ${maxWork} as the product of N, r and p.`)
}

const form =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/

/** scrypt as a PHC string: `$scrypt$ln=16,r=8,p=1$SALT$HASH`, as Passlib writes it. */
export const scrypt: ForeignFormat = {
  start: /^\$scrypt\$/,
  read(text) {
    const [, ln, r, p, salt, hash] = form.exec(text) ?? []
    const saltBytes = readBase64(salt ?? '')
    const hashBytes = readBase64(hash ?? '')
    const valid = saltBytes && hashBytes && saltBytes.length <= 64
    if (!valid || hashBytes.length < 16 || hashBytes.length > 64)
      throw wrongFormat(
        'This is not a hash of the form $scrypt$ln=16,r=8,p=1$SALT$HASH with a salt of up to 64 bytes and a hash of 16 to 64.',
      )
    const cost = { logN: Number(ln), r: Number(r), p: Number(p) }
    checkScryptCost(cost)
    return {
      cost: costOfScrypt(cost),
      verify: async password =>
        timingSafeEqual(await deriveScrypt(password, saltBytes, cost, hashBytes.length), hashBytes),
    }
  },
}
