import { verify } from '@node-rs/bcrypt'
import { type ForeignFormat, tooExpensive, wrongFormat } from './format.ts'

/** The last characters of salt and hash stand for fewer than six bits, so that few of them are possible. */
const form = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/

/** Doubles the work with each step: 10 takes about 80 ms, and 14 about a second. */
const maxCost = 14
/** Rounds that take as long as one of Annul's own hashes. */
const roundsOfOwnHash = 200

/** bcrypt: `$2b$10$…`, also `$2a$` and PHP's `$2y$`, which are the same. */
export const bcrypt: ForeignFormat = {
  start: /^\$2/,
  read(text) {
    const [, digits] = form.exec(text) ?? []
    if (digits === undefined || Number(digits) < 4)
      throw wrongFormat(
        'This is not a bcrypt hash that begins with $2a$, $2b$ or $2y$ and has 60 characters.',
      )
    if (Number(digits) > maxCost) throw tooExpensive(`The cost of bcrypt may be at most ${maxCost}.`)
    return { cost: 2 ** Number(digits) / roundsOfOwnHash, verify: password => verify(asC(password), text) }
  },
}

/** The part of a password that bcrypt hashes: a text of C, which ends at the first NUL. Of its bytes, the first 72 count. */
function asC(password: string): Buffer {
  const bytes = Buffer.from(password)
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}
