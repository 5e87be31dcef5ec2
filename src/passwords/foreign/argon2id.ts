import { verify } from '@node-rs/argon2'
import { type ForeignFormat, readBase64, tooExpensive, wrongFormat } from './format.ts'

const form =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,8}),t=([1-9]\d{0,4}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** 256 MiB. */
const maxMemory = 262_144
/** In KiB times passes: libsodium's "moderate" is 256 MiB and 3 passes. */
const maxWork = 3 * maxMemory
/** In the same unit. Annul's own has 38,912, but each KiB of a large memory takes longer than one of a small memory. */
const workOfOwnHash = 26_000

/** argon2id as a PHC string: `$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH`. */
export const argon2id: ForeignFormat = {
  start: /^\$argon2/,
  read(text) {
    const [, m, t, p, salt, hash] = form.exec(text) ?? []
    const memory = Number(m)
    const passes = Number(t)
    const lanes = Number(p)
    const saltBytes = readBase64(salt ?? '')?.length ?? 0
    const hashBytes = readBase64(hash ?? '')?.length ?? 0
    const valid = saltBytes >= 8 && saltBytes <= 48 && hashBytes >= 12 && hashBytes <= 64
    if (!valid || memory < 8 * lanes)
      throw wrongFormat(
        'This is not an argon2id hash of version 19 with a salt of 8 to 48 bytes, a hash of 12 to 64, and at least 8 KiB for each lane.',
      )
    if (memory > maxMemory || memory * passes > maxWork || lanes > 16)
      throw tooExpensive(
        `argon2id may have at most ${maxMemory} KiB of memory, ${maxWork} KiB times passes, and 16 lanes.`,
      )
    return { cost: (memory * passes) / workOfOwnHash, verify: password => verify(text, password) }
  },
}
