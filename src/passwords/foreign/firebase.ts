import { createCipheriv, timingSafeEqual } from 'node:crypto'
import { type ForeignFormat, readBase64, toBase64, wrongFormat } from './format.ts'
import { checkScryptCost, costOfScrypt, deriveScrypt, type ScryptCost } from './scrypt.ts'
import type { SignerKeySeal } from './signerKey.ts'

const form = /^\$fbscrypt\$v=1,n=(\d{1,2}),r=(\d{1,4}),p=1,ss=([^,$]*),(sk|ek)=([^,$]+)\$([^,$]+)\$([^,$]+)$/

interface Parsed {
  readonly cost: ScryptCost
  readonly salt: Buffer
  readonly separator: Buffer
  /** In the clear in a file, encrypted in the database. */
  readonly signerKey: Buffer
  readonly isEncrypted: boolean
  readonly hash: Buffer
}

/**
 * Firebase's scrypt, in the text form that Supabase gave it: `$fbscrypt$v=1,n=14,r=8,p=1,ss=SEPARATOR,sk=KEY$SALT$HASH`
 * (n is the `mem_cost`, r the `rounds`, ss and sk are the separator and the signer key of the project).
 *
 * The signer key is a secret of the project: without it, nobody can try passwords against the hashes. So it is stored
 * encrypted under ANNUL_SECRET, as `ek`, and a copy of the database alone is of no use.
 *
 * @param seal undefined where no secret is known: then such a hash is an error
 */
export function firebaseFormat(seal: SignerKeySeal | undefined): ForeignFormat & {
  /** @throws AuthError BAD_USER_INPUT / HASH_FORMAT or HASH_COST */
  toStored(text: string): string
} {
  const needSeal = () => {
    if (seal === undefined) throw new Error('Hashes of Firebase need the secret.')
    return seal
  }
  // The key is the project's, so it is the same for a whole file.
  let last: { key: Buffer; sealed: string } | undefined
  const sealed = (key: Buffer) => {
    if (last?.key.equals(key) !== true) last = { key, sealed: toBase64(needSeal().seal(key)) }
    return last.sealed
  }

  return {
    start: /^\$fbscrypt\$/,
    toStored(text) {
      const { cost, salt, separator, signerKey, isEncrypted, hash } = parse(text)
      if (isEncrypted) throw wrongFormat(description)
      const settings = `v=1,n=${cost.logN},r=${cost.r},p=1,ss=${toBase64(separator)},ek=${sealed(signerKey)}`
      return `$fbscrypt$${settings}$${toBase64(salt)}$${toBase64(hash)}`
    },
    read(text) {
      const { cost, salt, separator, signerKey, isEncrypted, hash } = parse(text)
      const key = isEncrypted ? needSeal().open(signerKey) : signerKey
      const verify = async (password: string) => {
        const derived = await deriveScrypt(password, Buffer.concat([salt, separator]), cost, 32)
        // The hash is the signer key, encrypted under what scrypt made of the password.
        const cipher = createCipheriv('aes-256-ctr', derived, Buffer.alloc(16))
        const made = Buffer.concat([cipher.update(key), cipher.final()])
        return made.length === hash.length && timingSafeEqual(made, hash)
      }
      return { cost: costOfScrypt(cost), verify }
    },
  }
}

const description =
  'This is not a hash of the form $fbscrypt$v=1,n=14,r=8,p=1,ss=SEPARATOR,sk=KEY$SALT$HASH, with a hash as long as the key (16 to 128 bytes).'

function parse(text: string): Parsed {
  const [, n, r, ss, kind, key, saltText, hashText] = form.exec(text) ?? []
  const [separator, signerKey, salt, hash] = [ss, key, saltText, hashText].map(part => readBase64(part ?? ''))
  if (!separator || !signerKey || !salt || !hash) throw wrongFormat(description)
  const isEncrypted = kind === 'ek'
  const keyBytes = signerKey.length - (isEncrypted ? 28 : 0)
  if (keyBytes < 16 || keyBytes > 128 || hash.length !== keyBytes || salt.length + separator.length > 128)
    throw wrongFormat(description)
  const cost = { logN: Number(n), r: Number(r), p: 1 }
  checkScryptCost(cost)
  return { cost, salt, separator, signerKey, isEncrypted, hash }
}
