import { describe, expect, it } from '@jest/globals'
import { AuthError } from '../../src/errors.ts'
import { checkEmail, emailKey } from '../../src/input/email.ts'

const shown = (character: string) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}`

function refusalOf(email: string): unknown {
  try {
    return checkEmail(email, 'input.email')
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    return [error.code, error.reason, error.message]
  }
}

const invalid = ['BAD_USER_INPUT', 'EMAIL_INVALID', 'This is not an e-mail address.']

describe('an e-mail', () => {
  /** Each is drawn as nothing, or changes how what follows is drawn. */
  const invisible: Record<string, string[]> = {
    'a control character': ['\0', '\x07', '\t', '\x1b', '\x7f', '\x85', '\x9f'],
    'a character without width': ['\u200B', '\u200C', '\u200D', '\u2060', '\u2061', '\uFEFF', '\u00AD'],
    'a mark of direction': [
      ...['\u061C', '\u200E', '\u200F', '\u202A', '\u202B', '\u202C', '\u202D', '\u202E'],
      ...['\u2066', '\u2067', '\u2068', '\u2069'],
    ],
    'a filler': ['\u115F', '\u1160', '\u3164', '\uFFA0', '\u034F', '\u17B4', '\u17B5'],
    'a variation selector': ['\u180B', '\u180E', '\uFE00', '\uFE0F', '\u{E0100}', '\u{E01EF}'],
    'a tag or a reserved ignorable': ['\u2065', '\uFFF0', '\u{E0001}', '\u{E0061}', '\u{E0FFF}'],
    'a line or paragraph separator': ['\u2028', '\u2029'],
    'half a surrogate pair': ['\ud800', '\udfff'],
  }

  it.each(Object.entries(invisible))('with %s is refused, wherever that stands', (_, characters) => {
    for (const character of characters)
      for (const email of [
        `ad${character}a@example.com`,
        `${character}ada@example.com`,
        `ada@exam${character}ple.com`,
        `ada@example.com${character}`,
      ]) {
        // White space around an e-mail is cut off, as ever, unless it is a control.
        if (/^[\u2028\u2029\uFEFF]$/.test(character) && email.trim() === 'ada@example.com') continue
        expect([shown(character), refusalOf(email)]).toEqual([shown(character), invalid])
      }
  })

  it('that becomes something else by normalization is refused', () => {
    for (const email of ['ada＠other@example.com', 'ada@example.com＠other.example', 'a﹫b@c', 'a\u00A8b@c'])
      expect([email, refusalOf(email)]).toEqual([email, invalid])
  })

  it('is taken with every letter that can be seen, and found by one form', () => {
    for (const email of ['ada@example.com', 'Ada.Lovelace+tag@Example.com', 'ädä@exämple.com', '愛@例え.jp'])
      expect(checkEmail(` ${email} `, 'input.email')).toBe(email)
    expect(emailKey('ＡＤＡ@example.com')).toBe(emailKey('ada@Example.COM'))
  })
})
