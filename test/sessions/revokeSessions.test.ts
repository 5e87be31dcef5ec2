import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import {
  claimsOf,
  listSessions,
  must,
  refusal,
  refused,
  type WholeTokens,
  wholeTokens,
} from '../support/answers.ts'
import { type Device, deviceOf, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'
import {
  accessAnswer,
  presentAccessToken,
  presentRefreshToken,
  refreshAnswer,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'

const server = useServer()

const mutate = <Data>(device: Device, field: string) =>
  server.send<Data>(`mutation { ${field} }`, { token: device.accessToken })
const revokeSession = (device: Device, id: string) =>
  mutate<{ revokeSession: boolean }>(device, `revokeSession(id: "${id}")`)

async function twoDevices() {
  const account = await server.signUp()
  return { account, here: deviceOf(account), there: deviceOf(await server.login(account)) }
}

describe('revokeSession', () => {
  it('answers true for one of the own sessions that lives, then false (ASVS 5.0 7.5.2 and 10.4.9)', async () => {
    const { here, there } = await twoDevices()
    expect((await revokeSession(here, there.sessionId.toUpperCase())).data).toEqual({ revokeSession: true })
    expect(await listSessions(server, here.accessToken)).toEqual([here.sessionId])
    expect((await revokeSession(here, there.sessionId)).data).toEqual({ revokeSession: false })
    expect(await presentRefreshToken(server, there)).toEqual(refusedRefresh('SESSION_REVOKED'))
  })

  it('ends the session that asks, too', async () => {
    const { here, there } = await twoDevices()
    expect((await revokeSession(here, here.sessionId)).data).toEqual({ revokeSession: true })
    expect(await presentAccessToken(server, here.accessToken)).toEqual(refusedAccess('SESSION_REVOKED'))
    expect(await listSessions(server, there.accessToken)).toEqual([there.sessionId])
  })

  it("answers the same for another user's session and for none, and leaves it alone: to an admin, too", async () => {
    const stranger = deviceOf(await server.signUp())
    for (const device of [deviceOf(await server.signUp()), await openAdmin(server)]) {
      expect((await revokeSession(device, stranger.sessionId)).data).toEqual({ revokeSession: false })
      expect((await revokeSession(device, randomUUID())).data).toEqual({ revokeSession: false })
    }
    expect(await presentAccessToken(server, stranger.accessToken)).toEqual(
      accessAnswer('works', stranger.userId),
    )
    expect(await presentRefreshToken(server, stranger)).toEqual(refreshAnswer('works', stranger))
  })

  it('refuses what is no id', async () => {
    const device = deviceOf(await server.signUp())
    for (const id of ['', 'x', `${randomUUID()} `, `{${randomUUID()}}`])
      expect(refusal(await revokeSession(device, id))).toEqual(
        refused({ code: 'BAD_USER_INPUT', reason: 'ID_INVALID', argument: 'id' }),
      )
  })
})

describe('revokeSessions', () => {
  it('answers true, ends all sessions, and lets the user sign in again', async () => {
    const { account, here, there } = await twoDevices()
    expect((await mutate(here, 'revokeSessions')).data).toEqual({ revokeSessions: true })
    for (const device of [here, there])
      expect(await presentAccessToken(server, device.accessToken)).toEqual(refusedAccess('SESSIONS_REVOKED'))
    const again = deviceOf(await server.login(account))
    expect(await listSessions(server, again.accessToken)).toEqual([again.sessionId])
    expect(await presentRefreshToken(server, again)).toEqual(refreshAnswer('works', again))
  })

  it('ends the request that asks: a guarded field beside it is refused', async () => {
    const { here, there } = await twoDevices()
    const answer = await mutate(here, `revokeSessions revokeSession(id: "${there.sessionId}")`)
    expect(refusal(answer)).toEqual(
      refused({ code: 'UNAUTHENTICATED', reason: 'SESSIONS_REVOKED', recover: 'LOGIN' }, 401),
    )
  })
})

describe('revokeOtherSessions', () => {
  const revokeOthers = async (device: Device) =>
    must(await mutate<{ revokeOtherSessions: WholeTokens }>(device, `revokeOtherSessions { ${wholeTokens} }`))
      .revokeOtherSessions

  it('answers with tokens of this session, and they work; all else is over', async () => {
    const { here, there } = await twoDevices()
    const tokens = await revokeOthers(here)
    expect(tokens.session).toMatchObject({ id: here.sessionId, current: true })
    expect(tokens.user).toMatchObject({ id: here.userId, sessions: [{ id: here.sessionId, current: true }] })
    expect([tokens.tokenType, tokens.expiresIn]).toEqual(['Bearer', 600])

    expect(await presentAccessToken(server, here.accessToken)).toEqual(refusedAccess('SESSIONS_REVOKED'))
    expect(await presentRefreshToken(server, there)).toEqual(refusedRefresh('SESSIONS_REVOKED'))
    const device = deviceOf(tokens)
    expect(await presentAccessToken(server, device.accessToken)).toEqual(accessAnswer('works', here.userId))
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
  })

  it('does not rotate: the refresh token is that of the present generation, each time', async () => {
    const { here } = await twoDevices()
    expect(await presentRefreshToken(server, here)).toEqual(refreshAnswer('works', here))
    for (const ver of [2, 3]) {
      const tokens = await revokeOthers(here)
      expect(tokens.refreshToken).toBe(here.refreshToken)
      expect(claimsOf(tokens.accessToken)).toMatchObject({ ver, sid: here.sessionId })
      here.accessToken = tokens.accessToken
    }
    expect(await presentRefreshToken(server, here)).toEqual(refreshAnswer('works', here))
  })

  it('does not lengthen the session, nor count as a new proof of who the user is', async () => {
    const account = await server.signUp()
    const before = claimsOf(account.accessToken)
    const tokens = await revokeOthers(deviceOf(account))
    expect(tokens.session.expiresAt).toBe(account.session.expiresAt)
    expect(claimsOf(tokens.accessToken).auth_time).toBe(before.auth_time)
  })
})
