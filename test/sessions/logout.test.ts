import { describe, expect, it } from '@jest/globals'
import { listSessions, must, refusal, refused } from '../support/answers.ts'
import { type Device, deviceOf } from '../support/devices.ts'
import { useServer } from '../support/server.ts'
import {
  presentAccessToken,
  presentRefreshToken,
  refreshAnswer,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'

const server = useServer()

const logout = (options: { token?: string; refreshToken?: string | null }) =>
  server.send<{ logout: boolean }>(
    'mutation ($refreshToken: String) { logout(refreshToken: $refreshToken) }',
    {
      variables: { refreshToken: options.refreshToken },
      ...(options.token && { token: options.token }),
    },
  )

async function expectLoggedOut(device: Device): Promise<void> {
  expect(await presentAccessToken(server, device.accessToken)).toEqual(refusedAccess('LOGGED_OUT'))
  expect(await presentRefreshToken(server, device)).toEqual(refusedRefresh('LOGGED_OUT'))
}

describe('logout', () => {
  it('answers true to an access token, which it refuses from then on', async () => {
    const device = deviceOf(await server.signUp())
    expect((await logout({ token: device.accessToken })).data).toEqual({ logout: true })
    expect(refusal(await logout({ token: device.accessToken }))).toEqual(
      refused({ code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' }, 401),
    )
    await expectLoggedOut(device)
  })

  it('answers true to a refresh token, and false once its session is over', async () => {
    const device = deviceOf(await server.signUp())
    expect((await logout(device)).data).toEqual({ logout: true })
    await expectLoggedOut(device)
    expect((await logout(device)).data).toEqual({ logout: false })
  })

  it('answers false to a session that ended in another way, and the reason stays', async () => {
    const device = deviceOf(await server.signUp())
    must(await server.send('mutation { revokeSessions }', { token: device.accessToken }))
    expect((await logout(device)).data).toEqual({ logout: false })
    expect(await presentRefreshToken(server, device)).toEqual(refusedRefresh('SESSIONS_REVOKED'))
  })

  it('takes any generation of the refresh token, and calls none of them theft', async () => {
    const device = deviceOf(await server.signUp())
    const first = device.refreshToken
    for (let generation = 2; generation < 13; generation++)
      expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
    expect((await logout({ refreshToken: first })).data).toEqual({ logout: true })
    await expectLoggedOut(device)
  })

  it('ends the session of the refresh token, not that of the header', async () => {
    const account = await server.signUp()
    const [here, there] = [deviceOf(account), deviceOf(await server.login(account))]
    const answer = await logout({ token: here.accessToken, refreshToken: there.refreshToken })
    expect(answer.data).toEqual({ logout: true })
    await expectLoggedOut(there)
    expect(await listSessions(server, here.accessToken)).toEqual([here.sessionId])
  })

  it('is not hindered by an access token that is no good, where the refresh token is', async () => {
    const [gone, device] = [deviceOf(await server.signUp()), deviceOf(await server.signUp())]
    must(await logout(gone))
    for (const token of [gone.accessToken, 'nonsense'])
      expect(refusal(await logout({ token }))).toMatchObject({ status: 401 })
    const answer = await logout({ token: gone.accessToken, refreshToken: device.refreshToken })
    expect(answer.data).toEqual({ logout: true })
    await expectLoggedOut(device)
  })

  it('without any token says so', async () => {
    const missing = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }
    expect(refusal(await logout({}))).toEqual(refused(missing, 401))
  })

  it('is not done by a refresh token that is not authentic, whatever stands in the header', async () => {
    const device = deviceOf(await server.signUp())
    const { refreshToken } = device
    // The first character of the MAC, and the last of the token.
    const forged = [refreshToken.slice(0, -43) + flip(refreshToken.at(-43)) + refreshToken.slice(-42)]
    for (const wrong of [...forged, refreshToken.slice(0, -1), `${refreshToken}A`, 'annul_rt_', ''])
      expect(refusal(await logout({ refreshToken: wrong, token: device.accessToken }))).toEqual(
        refused({ code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_INVALID', recover: 'LOGIN' }),
      )
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
  })

  const flip = (character = '') => (character === 'A' ? 'B' : 'A')
})
