import { describe, expect, it } from '@jest/globals'
import { useServer } from '../support/server.ts'

const server = useServer()

describe('login', () => {
  it('opens a session whose tokens work (ASVS 5.0 7.2.2 and 7.2.4)', async () => {
    const account = await server.signUp()
    const tokens = await server.login(account)
    expect(tokens.expiresIn).toBe(600)
    const me = await server.send('{ me { id email } }', { token: tokens.accessToken })
    expect(me.status).toBe(200)
    expect(me.data).toEqual({ me: { id: account.userId, email: account.email } })
  })
})
