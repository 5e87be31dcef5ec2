import { expect, test } from '@jest/globals'
import { refreshTokens } from '../../src/tokens/refreshToken.ts'

/* Who is signed in before an update is to be signed in after it. */

test('the refresh token of a known session and a known secret is the same in every version', () => {
  const { derive, read } = refreshTokens(Buffer.alloc(32, 7))
  const session = { sessionId: '01234567-89ab-4cde-8f01-23456789abcd', generation: 3 }
  const text = 'annul_rt_KkFpsgEjRWeJq0zejwEjRWeJq80AAAADGtc9Hk02pvZsR7phK1qcexNr2rD7DtRD27iFbzi0qKM'
  expect(derive(session)).toBe(text)
  expect(read(text)).toEqual(session)
})
