import { describe, expect, it } from '@jest/globals'
import { changeEmail, newAddress, verifyEmail } from '../support/account.ts'
import { must, refusal, refused } from '../support/answers.ts'
import type { TokensAnswer } from '../support/client.ts'
import { lastToken } from '../support/sentLinks.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
const tokenInvalid = refused({ code: 'BAD_USER_INPUT', argument: 'token', reason: 'TOKEN_INVALID' })

/** How a single session of a thief is ended. */
const ends: [string, (owner: TokensAnswer, thief: TokensAnswer) => Promise<unknown>][] = [
  [
    'the owner revokes the session',
    async (owner, thief) =>
      must(
        await server.send('mutation ($id: ID!) { revokeSession(id: $id) }', {
          variables: { id: thief.session.id },
          token: owner.accessToken,
        }),
      ),
  ],
  [
    'the session logs out',
    async (_, { accessToken }) => must(await server.send('mutation { logout }', { token: accessToken })),
  ],
  [
    'its refresh token is used twice',
    async (_, { refreshToken }) => {
      must(await server.refresh(refreshToken, 'a'.repeat(22)))
      const { reason } = await server.refresh(refreshToken, 'b'.repeat(22))
      expect(reason).toBe('REFRESH_REUSED')
    },
  ],
]

describe('a new e-mail that a single session has asked for', () => {
  it.each(ends)('is dead when %s: a thief who is signed out gets no account', async (_, end) => {
    const owner = await server.signUp()
    const thief = await server.login(owner)
    const email = newAddress()
    must(await changeEmail(server, thief.accessToken, email))
    const token = await lastToken(server, 'change-email', email)
    await end(owner, thief)
    expect(refusal(await verifyEmail(server, token))).toEqual(tokenInvalid)
    expect((await server.login(owner)).user.id).toBe(owner.user.id)
  })

  it('of another user lives on', async () => {
    const [one, other] = [await server.signUp(), await server.signUp()]
    const email = newAddress()
    must(await changeEmail(server, other.accessToken, email))
    must(await server.send('mutation { logout }', { token: one.accessToken }))
    must(await verifyEmail(server, await lastToken(server, 'change-email', email)))
  })
})
