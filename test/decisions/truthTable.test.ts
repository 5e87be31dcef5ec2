import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import { deviceOf } from '../support/devices.ts'
import { startTestServer, useSecondNode, useServer } from '../support/server.ts'
import {
  accessAnswer,
  type Fate,
  presentAccessToken,
  presentRefreshToken,
  refreshAnswer,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'
import { afterwards, openParticipants, tokenEndings } from '../support/tokenEndings.ts'
import { until } from '../support/until.ts'

/*
 * A row tells how a session or its access token ended, and then what happens to its tokens, to the tokens of another
 * session of the same user, and to the tokens of another user. A reason means: refused, with the code, status and
 * advice that belong to the reason.
 *
 * "By itself": the session sends the mutation and is kept, and the row is about the tokens that it had before.
 * The test moves the two ends of a session to an earlier time, so its access token goes on working in those rows.
 * Otherwise an access token never outlives its session (the last test).
 */
const truth = `
  ending                                                     | its access token   | its refresh token  | other access token | other refresh token | another user's
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
  deleteAccount                                              | USER_DELETED       | USER_DELETED       | USER_DELETED       | USER_DELETED        | works
  recoverAccount                                             | ACCOUNT_RECOVERED  | ACCOUNT_RECOVERED  | ACCOUNT_RECOVERED  | ACCOUNT_RECOVERED   | works
  resetFactors                                               | FACTOR_REMOVED     | FACTOR_REMOVED     | FACTOR_REMOVED     | FACTOR_REMOVED      | works
  resetPassword                                              | PASSWORD_CHANGED   | PASSWORD_CHANGED   | PASSWORD_CHANGED   | PASSWORD_CHANGED    | works
  restoreEmail                                               | SESSIONS_REVOKED   | SESSIONS_REVOKED   | SESSIONS_REVOKED   | SESSIONS_REVOKED    | works
  revokeEverything                                           | EVERYTHING_REVOKED | EVERYTHING_REVOKED | EVERYTHING_REVOKED | EVERYTHING_REVOKED  | EVERYTHING_REVOKED
  reuse of a refresh token                                   | REFRESH_REUSED     | REFRESH_REUSED     | works              | works               | works
  reuse of a refresh token that ends all of the user         | REFRESH_REUSED     | REFRESH_REUSED     | REFRESH_REUSED     | REFRESH_REUSED      | works
  the idle end of the session                                | works              | SESSION_EXPIRED    | works              | works               | works
  the absolute end of the session                            | works              | SESSION_EXPIRED    | works              | works               | works
  the end of the access token                                | TOKEN_EXPIRED      | works              | works              | works               | works
`

/* The order in which endings weigh: the token has expired, everyone, the user (the latest one), the session. */
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
  blockUser                                           | recoverAccount                      | ACCOUNT_RECOVERED  | ACCOUNT_RECOVERED
  recoverAccount                                      | revokeEverything                    | EVERYTHING_REVOKED | EVERYTHING_REVOKED
  deleteUser                                          | revokeEverything                    | EVERYTHING_REVOKED | EVERYTHING_REVOKED
  revokeEverything                                    | deleteUser                          | EVERYTHING_REVOKED | EVERYTHING_REVOKED
`
const rowsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split('|').map(cell => cell.trim()))
const table = rowsOf(truth) as [ending: string, ...Fate[]][]

/** Nodes of one database. The embedded one serves a single process. */
const useNodes = (env: Record<string, string>) => {
  const first = useServer({ env })
  return { 'the same node': first, 'a second node': useSecondNode(first) }
}
const usual = useNodes({})
const endingUsers = useNodes({ ANNUL_REFRESH_REUSE_ENDS: 'user' })

it('The truth table has a row for every ending, and no other', () => {
  expect(table.map(([ending]) => ending).sort()).toEqual(Object.keys(tokenEndings).sort())
})

for (const where of ['the same node', 'a second node'] as const) {
  const run = where === 'a second node' && !onPostgres ? it.skip : it
  describe(`Asked at ${where}`, () => {
    run.each(table)('%s', async (ending, access, refresh, otherAccess, otherRefresh, another) => {
      const nodes = ending.includes('all of the user') ? endingUsers : usual
      const participants = await openParticipants(nodes['the same node'])
      await tokenEndings[ending]?.(participants)

      const { here, there, stranger } = participants
      const node = nodes[where]
      expect({
        access: await presentAccessToken(node, here.accessToken),
        refresh: await presentRefreshToken(node, here),
        otherAccess: await presentAccessToken(node, there.accessToken),
        otherRefresh: await presentRefreshToken(node, there),
        anotherAccess: await presentAccessToken(node, stranger.accessToken),
        anotherRefresh: await presentRefreshToken(node, stranger),
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

describe('Of two endings, the one that weighs more is told', () => {
  it.each(rowsOf(order))('%s, then %s', async (first = '', then = '', access = '', refresh = '') => {
    const participants = await openParticipants(usual['the same node'])
    for (const step of [first, then]) {
      const run = tokenEndings[step] ?? afterwards[step]
      if (!run) throw new Error(`No such ending: ${step}`)
      await run(participants)
    }
    const { node, here } = participants
    expect(await presentAccessToken(node, here.accessToken)).toEqual(accessAnswer(access, here.userId))
    expect(await presentRefreshToken(node, here)).toEqual(refreshAnswer(refresh, here))
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
    expect(await presentAccessToken(node, device.accessToken)).toEqual(refusedAccess('TOKEN_EXPIRED'))
    const over = sql`select 1 from annul.sessions where id = ${device.sessionId} and idle_expires_at <= now()`
    await until(
      () => node.rows(over),
      rows => rows.length === 1,
    )
    expect(await presentRefreshToken(node, device)).toEqual(refusedRefresh('SESSION_EXPIRED'))
  } finally {
    await node.close()
  }
})
