import { expect, test } from '@jest/globals'
import { deviceTokens } from '../../src/tokens/deviceToken.ts'

/* A device that is known before an update is to be known after it. */

test('the device token of a known device and a known secret is the same in every version', () => {
  const { knows, read, remember, write } = deviceTokens(Buffer.alloc(32, 7))
  const id = Buffer.alloc(16, 1).toString('base64url')
  const text = 'annul_d_AQEBAQEBAQEBAQEBAQEBAQ.w0ODq4OZn9MXRzk9WJ8PUQ.1yx5ohPmDYP-hAzlGqVAog'
  const device = remember({ id, proofs: [] }, 'ada@example.com')
  expect(write(device)).toBe(text)
  expect(read(text)).toEqual(device)
  expect(knows(device, 'ada@example.com')).toBe(true)
})
