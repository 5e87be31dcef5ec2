import { describe, expect, it } from '@jest/globals'
import { headersOf, newAddress, useLimitedServer } from './support.ts'

/* Links and codes of mails: whoever presents many that are wrong is refused, whatever they are presented to. */

const server = useLimitedServer()
const verbs = {
  verifyEmail: (token: string) => `verifyEmail(token: "${token}")`,
  restoreEmail: (token: string) => `restoreEmail(token: "${token}")`,
  resetPassword: (token: string) =>
    `resetPassword(input: { token: "${token}", newPassword: "a quite new password" }) { expiresIn }`,
}
const present = async (field: string, from: string) =>
  (await server.send(`mutation { ${field} }`, { headers: headersOf({ from }) })).errors?.[0]?.extensions

describe('wrong links and codes from one address', () => {
  it.each(Object.entries(verbs))('are refused after 30 by %s', async (_, fieldOf) => {
    const from = newAddress()
    const reasons = []
    for (let tries = 0; tries < 30; tries++)
      reasons.push((await present(fieldOf('annul_ot_x'), from))?.reason)
    expect(new Set(reasons)).toEqual(new Set(['TOKEN_INVALID']))
    expect(await present(fieldOf('annul_ot_x'), from)).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    expect(await present(fieldOf('ABCDEFGH'), from)).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    // Another address has its own budget.
    expect(await present(fieldOf('annul_ot_x'), newAddress())).toMatchObject({ reason: 'TOKEN_INVALID' })
  })
})
