import { argon2id } from './argon2id.ts'
import { bcrypt } from './bcrypt.ts'
import { firebaseFormat } from './firebase.ts'
import { type ForeignHash, wrongFormat } from './format.ts'
import { pbkdf2 } from './pbkdf2.ts'
import { scrypt } from './scrypt.ts'
import { signerKeySeal } from './signerKey.ts'

/** Hashes that another system made: they are imported, verified, and replaced at the first login. */
export interface ForeignHashes {
  /**
   * Checks a hash's format and cost.
   *
   * @returns the hash as it is stored
   * @throws AuthError BAD_USER_INPUT / HASH_FORMAT or HASH_COST, with a message that holds no part of the hash
   */
  toStored(text: string): string
  /**
   * Other systems hash a password as it was typed. Annul's own hashes are of its NFKC form.
   *
   * @throws Error for a stored text that is no such hash
   */
  read(stored: string): ForeignHash
}

/** Before an argon2id hash of another system, which would look like one of Annul's own. */
const mark = 'imported'

/** Whether a stored hash is another system's. */
export function isForeign(stored: string): boolean {
  return !stored.startsWith('$argon2id$')
}

/**
 * @param secret ANNUL_SECRET, which hashes of Firebase need; without it they are an error
 * @param previous ANNUL_SECRET_PREVIOUS
 */
export function openForeignHashes(secret: Uint8Array | undefined, previous?: Uint8Array): ForeignHashes {
  const firebase = firebaseFormat(secret && signerKeySeal(secret, previous))
  const formats = [argon2id, bcrypt, scrypt, firebase, pbkdf2]
  const formatOf = (text: string) => {
    const format = formats.find(({ start }) => start.test(text))
    if (format === undefined)
      throw wrongFormat('This is none of the formats argon2id, bcrypt, scrypt, Firebase’s scrypt and PBKDF2.')
    return format
  }
  return {
    toStored(text) {
      const format = formatOf(text)
      if (format === firebase) return firebase.toStored(text)
      format.read(text)
      return isForeign(text) ? text : mark + text
    },
    read(stored) {
      const text = stored.startsWith(mark) ? stored.slice(mark.length) : stored
      try {
        return formatOf(text).read(text)
      } catch (error) {
        // Nobody's input: the row was written past Annul, or under another secret.
        throw new Error('A stored hash can not be read.', { cause: error })
      }
    },
  }
}
