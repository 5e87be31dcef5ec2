import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import {
  accessAnswer,
  deviceOf,
  type Fate,
  openStage,
  refreshAnswer,
  refusedAccess,
  refusedRefresh,
  useAccessToken,
  useRefreshToken,
} from '../support/deaths.ts'
import { startTestServer, useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { afterwards, ways } from '../support/ways.ts'

/*
 * After a session, or an access token, died in one of these ways: what comes of its tokens, of those of another session
 * of the same user, and of another user's. A reason: refused, with the code, status and advice that belong to it.
 *
 * Where "by" stands, the table is about the session that is named first, and "itself" keeps its session.
 * The two ends of a session come too early here, because the test moves them: an access token never outlives the end
 * that was known when it was issued, so that nobody asks about it (the last test lets one pass).
 */
const truth = `
  way                                                        | its access token   | its refresh token  | other access token | other refresh token | another user's
  logout with its access token                               | LOGGED_OUT         | LOGGED_OUT         | works              | works               | works
  logout with its refresh token alone                        | LOGGED_OUT         | LOGGED_OUT         | works              | works               | works
  logout with its expired access token and its refresh token | TOKEN_EXPIRED      | LOGGED_OUT         | works              | works               | works
  revokeSession by the other session                         | SESSION_REVOKED    | SESSION_REVOKED    | works              | works               | works
  revokeSessions by itself                                   | SESSIONS_REVOKED   | SESSIONS_REVOKED   | SESSIONS_REVOKED   | SESSIONS_REVOKED    | works
  revokeOtherSessions by the other session                   | SESSIONS_REVOKED   | SESSIONS_REVOKED   | SESSIONS_REVOKED   | works               | works
  revokeOtherSessions by itself                              | SESSIONS_REVOKED   | works              | SESSIONS_REVOKED   | SESSIONS_REVOKED    | works
  changePassword by the other session                        | PASSWORD_CHANGED   | PASSWORD_CHANGED   | PASSWORD_CHANGED   | works               | works
  changePassword by itself                                   | PASSWORD_CHANGED   | works              | PASSWORD_CHANGED   | PASSWORD_CHANGED    | works
  blockUser                                                  | USER_BLOCKED       | USER_BLOCKED       | USER_BLOCKED       | USER_BLOCKED        | works
  setUserAccess                                              | ACCESS_CHANGED     | works              | ACCESS_CHANGED     | works               | works
  revokeUserSessions                                         | SESSIONS_REVOKED   | SESSIONS_REVOKED   | SESSIONS_REVOKED   | SESSIONS_REVOKED    | works
  deleteUser                                                 | USER_DELETED       | USER_DELETED       | USER_DELETED       | USER_DELETED        | works
  revokeEverything                                           | EVERYTHING_REVOKED | EVERYTHING_REVOKED | EVERYTHING_REVOKED | EVERYTHING_REVOKED  | EVERYTHING_REVOKED
  reuse of a refresh token                                   | REFRESH_REUSED     | REFRESH_REUSED     | works              | works               | works
  reuse of a refresh token that ends all of the user         | REFRESH_REUSED     | REFRESH_REUSED     | REFRESH_REUSED     | REFRESH_REUSED      | works
  the idle end of the session                                | works              | SESSION_EXPIRED    | works              | works               | works
  the absolute end of the session                            | works              | SESSION_EXPIRED    | works              | works               | works
  the end of the access token                                | TOKEN_EXPIRED      | works              | works              | works               | works
`

/* Of two deaths one is told. Access tokens: expired, everyone, user (the last one), session; sessions likewise. */
const order = `
  first                                               | then                                | access token       | refresh token
  logout with its access token                        | the idle end of the session         | LOGGED_OUT         | LOGGED_OUT
  logout with its access token                        | revokeUserSessions                  | SESSIONS_REVOKED   | SESSIONS_REVOKED
  changePassword by the other session                 | logout with its refresh token again | PASSWORD_CHANGED   | PASSWORD_CHANGED
  changePassword by the other session                 | blockUser                           | USER_BLOCKED       | USER_BLOCKED
  blockUser                                           | deleteUser                          | USER_DELETED       | USER_DELETED
  blockUser                                           | unblockUser                         | USER_BLOCKED       | USER_BLOCKED
  revokeUserSessions                                  | setUserAccess                       | ACCESS_CHANGED     | SESSIONS_REVOKED
  setUserAccess                                       | logout with its refresh token alone | ACCESS_CHANGED     | LOGGED_OUT
  the end of the access token                         | blockUser                           | TOKEN_EXPIRED      | USER_BLOCKED
  deleteUser                                          | revokeEverything                    | EVERYTHING_REVOKED | EVERYTHING_REVOKED
  revokeEverything                                    | deleteUser                          | EVERYTHING_REVOKED | EVERYTHING_REVOKED
`
const rowsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split('|').map(cell => cell.trim()))
const table = rowsOf(truth) as [way: string, ...Fate[]][]

/** Nodes of one database. The embedded one serves a single process. */
const useNodes = (env: Record<string, string>) => {
  const first = useServer({ env })
  return { 'the same node': first, 'a second node': useSecondNode(first) }
}
const usual = useNodes({})
const endingUsers = useNodes({ ANNUL_REFRESH_REUSE_ENDS: 'user' })

it('The truth table has a row for every way, and no other', () => {
  expect(table.map(([way]) => way).sort()).toEqual(Object.keys(ways).sort())
})

for (const where of ['the same node', 'a second node'] as const) {
  const run = where === 'a second node' && !onPostgres ? it.skip : it
  describe(`Asked at ${where}`, () => {
    run.each(table)('%s', async (way, access, refresh, otherAccess, otherRefresh, another) => {
      const nodes = way.includes('all of the user') ? endingUsers : usual
      const stage = await openStage(nodes['the same node'])
      await ways[way]?.(stage)

      const { here, there, stranger } = stage
      const node = nodes[where]
      expect({
        access: await useAccessToken(node, here.accessToken),
        refresh: await useRefreshToken(node, here),
        otherAccess: await useAccessToken(node, there.accessToken),
        otherRefresh: await useRefreshToken(node, there),
        anotherAccess: await useAccessToken(node, stranger.accessToken),
        anotherRefresh: await useRefreshToken(node, stranger),
      }).toEqual({
        access: accessAnswer(access, here.userId),
        refresh: refreshAnswer(refresh, here),
        otherAccess: accessAnswer(otherAccess, there.userId),
        otherRefresh: refreshAnswer(otherRefresh, there),
        anotherAccess: accessAnswer(another, stranger.userId),
        anotherRefresh: refreshAnswer(another, stranger),
      })
    })
  })
}

describe('Of two deaths, that one is told which weighs more', () => {
  it.each(rowsOf(order))('%s, then %s', async (first = '', then = '', access = '', refresh = '') => {
    const stage = await openStage(usual['the same node'])
    for (const step of [first, then]) {
      const run = ways[step] ?? afterwards[step]
      if (!run) throw new Error(`Nobody knows how to do this: ${step}`)
      await run(stage)
    }
    const { node, here } = stage
    expect(await useAccessToken(node, here.accessToken)).toEqual(accessAnswer(access, here.userId))
    expect(await useRefreshToken(node, here)).toEqual(refreshAnswer(refresh, here))
  })
})

it('When a session has really ended, its access token has ended too, though it might have lived longer', async () => {
  const node = await startTestServer({ config: { sessionIdleSeconds: 1, accessTokenSeconds: 600 } })
  try {
    const account = await node.signUp()
    const device = deviceOf(account)
    expect(account.expiresIn).toBeLessThanOrEqual(1)
    await until(
      () => node.send('{ me { id } }', { token: device.accessToken }),
      ({ status }) => status === 401,
    )
    expect(await useAccessToken(node, device.accessToken)).toEqual(refusedAccess('TOKEN_EXPIRED'))
    const over = sql`select 1 from annul.sessions where id = ${device.sessionId} and idle_expires_at <= now()`
    await until(
      () => node.rows(over),
      rows => rows.length === 1,
    )
    expect(await useRefreshToken(node, device)).toEqual(refusedRefresh('SESSION_EXPIRED'))
  } finally {
    await node.close()
  }
})
