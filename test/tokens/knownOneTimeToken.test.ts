import { expect, test } from '@jest/globals'
import { oneTimeTokens } from '../../src/tokens/oneTimeToken.ts'

/* Links and codes of mails that were sent before an update are to work after it. */

const id = '01234567-89ab-4cde-8f01-23456789abcd'
const tokens = oneTimeTokens(Buffer.alloc(32, 7))

test('the token of a known id and a known secret is the same in every version', () => {
  expect(tokens.derive(id)).toBe('annul_ot_ASNFZ4mrTN6PASNFZ4mrzYZ8emhQ-x-QrBFU3VQj5Ga09tSzobpqO83pQU2RYatT')
})

test('the code of a known id and a known secret is the same in every version', () => {
  expect(tokens.code(id)).toBe('2YMHVSFT')
})
