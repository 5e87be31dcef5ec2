import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { TokensAnswer } from '../../support/client.ts'
import { onPostgres } from '../../support/database.ts'
import { startTestServer, type TestServer, useServer } from '../../support/server.ts'
import {
  accepted,
  bodyOf,
  me,
  newAttempt,
  refreshed,
  refused,
  rotate,
  snapshot,
  unauthenticated,
} from './support.ts'

const onlyPostgres = onPostgres ? it : it.skip

/** What became of a session by a theft, or did not. */
async function theftsOf(node: TestServer, sessionId: string) {
  const { session } = await snapshot(node, sessionId)
  const events = await node.rows(
    sql`select kind, actor_id, user_id, host(ip_address) as ip_address, device, detail from annul.audit_events
      where session_id = ${sessionId} and kind like 'refresh%' order by id`,
  )
  return { ended: session.ended_at !== null, reason: session.end_reason, events }
}
const untouched = { ended: false, reason: null, events: [] }

describe('rule 6: a second use', () => {
  const server = useServer()

  it('ends the session for both parties, access tokens included, with an audit event; login works at once (ASVS 5.0 10.4.5)', async () => {
    const account = await server.signUp()
    const elsewhere = await server.login(account)
    const bystander = await server.signUp()

    const stolen = await refreshed(server, account.refreshToken, newAttempt())
    const honest = await server.refresh(account.refreshToken, newAttempt())

    expect(bodyOf(honest)).toEqual(refused('REFRESH_REUSED'))
    const next = await Promise.all([
      server.refresh(account.refreshToken, newAttempt()),
      server.refresh(stolen.refreshToken, newAttempt()),
      server.refresh(stolen.refreshToken),
    ])
    expect(next.map(bodyOf)).toEqual(Array(3).fill(refused('REFRESH_REUSED')))
    const tokens = [account.accessToken, stolen.accessToken]
    expect(await Promise.all(tokens.map(token => me(server, token)))).toEqual(
      Array(2).fill(unauthenticated('REFRESH_REUSED')),
    )
    expect(await theftsOf(server, account.session.id)).toEqual({
      ended: true,
      reason: 'REFRESH_REUSED',
      events: [
        {
          kind: 'refresh-reused',
          // By whom is the question.
          actor_id: null,
          user_id: account.userId,
          ip_address: '127.0.0.1',
          device: expect.any(String),
          detail: 'generation 1 presented, 2 current',
        },
      ],
    })

    const again = await server.login(account)
    expect(await me(server, again.accessToken)).toEqual(accepted(account.userId))
    expect((await refreshed(server, again.refreshToken)).user.id).toBe(account.userId)
    // Other sessions, of this user and of others, are none of its business.
    expect(await me(server, elsewhere.accessToken)).toEqual(accepted(account.userId))
    expect((await refreshed(server, elsewhere.refreshToken)).session.id).toBe(elsewhere.session.id)
    expect(await me(server, bystander.accessToken)).toEqual(accepted(bystander.userId))
    expect(await theftsOf(server, bystander.session.id)).toEqual(untouched)
  })

  type Steal = (from: TokensAnswer) => Promise<{ token: string; attempt: string | undefined }>
  const behind =
    (count: number, attempt: 'same' | 'other' | 'none'): Steal =>
    async from => {
      const { tokens, attempts } = await rotate(server, from, count)
      const made = { same: attempts[0], other: newAttempt(), none: undefined }
      return { token: tokens[0] ?? '', attempt: made[attempt] }
    }
  const thefts: [string, Steal][] = [
    ...[1, 2, 3, 8, 9, 20].flatMap((count): [string, Steal][] => [
      [`another attempt, ${count} behind`, behind(count, 'other')],
      [`no attempt, ${count} behind`, behind(count, 'none')],
    ]),
    ['the same attempt, 9 behind', behind(9, 'same')],
    [
      'an attempt, where none was sent when it was rotated',
      async ({ refreshToken: token }) => {
        await refreshed(server, token)
        return { token, attempt: newAttempt() }
      },
    ],
    [
      'no attempt, neither now nor then: without a grace by setting',
      async ({ refreshToken: token }) => {
        await refreshed(server, token)
        return { token, attempt: undefined }
      },
    ],
    [
      'the attempt of the generation before it',
      async from => {
        const { tokens, attempts } = await rotate(server, from, 3)
        return { token: tokens[2] ?? '', attempt: attempts[1] }
      },
    ],
    [
      'the attempt of the generation after it',
      async from => {
        const { tokens, attempts } = await rotate(server, from, 3)
        return { token: tokens[1] ?? '', attempt: attempts[2] }
      },
    ],
  ]
  it.each(thefts)('is theft: %s', async (_, steal) => {
    const account = await server.signUp()
    const { token, attempt } = await steal(account)
    const { counts } = await snapshot(server, account.session.id)
    expect(bodyOf(await server.refresh(token, attempt))).toEqual(refused('REFRESH_REUSED'))
    const after = await snapshot(server, account.session.id)
    expect(after.session).toMatchObject({ end_reason: 'REFRESH_REUSED', ended_at: expect.any(String) })
    // One entry for the views and one event, though both parties come again.
    expect(bodyOf(await server.refresh(token, attempt))).toEqual(refused('REFRESH_REUSED'))
    const { auditEvents = 0, revocations = 0 } = counts
    expect((await snapshot(server, account.session.id)).counts).toEqual({
      ...counts,
      auditEvents: auditEvents + 1,
      revocations: revocations + 1,
    })
  })

  it('is found at any age: a token of months ago is as good as one of a second ago', async () => {
    const account = await server.signUp()
    await rotate(server, account, 1)
    await server.rows(sql`update annul.sessions set rotated_at = now() - interval '170 days',
      created_at = now() - interval '171 days', last_used_at = now() - interval '170 days'
      where id = ${account.session.id}`)
    expect(bodyOf(await server.refresh(account.refreshToken))).toEqual(refused('REFRESH_REUSED'))
  })

  onlyPostgres('is known to every node when it was answered', async () => {
    const second = await startTestServer({ database: server.database, env: server.env })
    try {
      const account = await server.signUp()
      const { last } = await rotate(second, account, 1)
      expect(bodyOf(await server.refresh(account.refreshToken))).toEqual(refused('REFRESH_REUSED'))
      expect(await me(second, last.accessToken)).toEqual(unauthenticated('REFRESH_REUSED'))
      expect(bodyOf(await second.refresh(last.refreshToken))).toEqual(refused('REFRESH_REUSED'))
    } finally {
      await second.close()
    }
  })

  it('is one theft, however many requests bring it at once', async () => {
    const account = await server.signUp()
    await rotate(server, account, 1)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.refresh(account.refreshToken, newAttempt())),
    )
    expect(answers.map(bodyOf)).toEqual(Array(20).fill(refused('REFRESH_REUSED')))
    const { events } = await theftsOf(server, account.session.id)
    expect(events).toHaveLength(1)
  })
})

describe('rule 6 with ANNUL_REFRESH_REUSE_ENDS=user', () => {
  const endsUser = useServer({ env: { ANNUL_REFRESH_REUSE_ENDS: 'user' } })

  it('ends all sessions of the user, access tokens included, and nobody else’s; login works at once', async () => {
    const account = await endsUser.signUp()
    const elsewhere = await endsUser.login(account)
    const bystander = await endsUser.signUp()
    const { last } = await rotate(endsUser, account, 1)
    expect(bodyOf(await endsUser.refresh(account.refreshToken))).toEqual(refused('REFRESH_REUSED'))

    for (const { accessToken, refreshToken } of [account, last, elsewhere]) {
      expect(await me(endsUser, accessToken)).toEqual(unauthenticated('REFRESH_REUSED'))
      expect(bodyOf(await endsUser.refresh(refreshToken))).toEqual(refused('REFRESH_REUSED'))
    }
    expect(await theftsOf(endsUser, account.session.id)).toMatchObject({
      ended: true,
      events: [{ kind: 'refresh-reused', user_id: account.userId }],
    })
    const again = await endsUser.login(account)
    expect(await me(endsUser, again.accessToken)).toEqual(accepted(account.userId))
    expect((await refreshed(endsUser, again.refreshToken)).user.id).toBe(account.userId)
    expect(await me(endsUser, bystander.accessToken)).toEqual(accepted(bystander.userId))
    expect((await refreshed(endsUser, bystander.refreshToken)).user.id).toBe(bystander.userId)
  })
})

describe('rule 5: ANNUL_REFRESH_REUSE_SECONDS', () => {
  const graceful = useServer({ env: { ANNUL_REFRESH_REUSE_SECONDS: '60' } })

  const rotatedAgo = (sessionId: string, seconds: number) =>
    graceful.rows(sql`update annul.sessions set rotated_at = now() - make_interval(secs => ${seconds})
      where id = ${sessionId}`)

  it.each([0, 1, 50])('replays what came without an attempt, %i s after the rotation', async seconds => {
    const account = await graceful.signUp()
    const next = await refreshed(graceful, account.refreshToken)
    await rotatedAgo(account.session.id, seconds)
    const before = await snapshot(graceful, account.session.id)
    const replayed = await refreshed(graceful, account.refreshToken)
    expect(replayed).toEqual({ ...next, accessToken: expect.any(String) })
    expect(await me(graceful, replayed.accessToken)).toEqual(accepted(account.userId))
    expect(await snapshot(graceful, account.session.id)).toEqual(before)
  })

  type Misuse = (from: TokensAnswer) => Promise<[token: string, attempt?: string]>
  const misuses: [string, Misuse][] = [
    [
      'after its time',
      async ({ refreshToken, session }) => {
        await refreshed(graceful, refreshToken)
        await rotatedAgo(session.id, 61)
        return [refreshToken]
      },
    ],
    [
      'for what is two generations behind',
      async ({ refreshToken }) => {
        await refreshed(graceful, (await refreshed(graceful, refreshToken)).refreshToken)
        return [refreshToken]
      },
    ],
    [
      'for what is rotated with an attempt and presented without',
      async ({ refreshToken }) => {
        await refreshed(graceful, refreshToken, newAttempt())
        return [refreshToken]
      },
    ],
    [
      'for what is rotated without an attempt and presented with one',
      async ({ refreshToken }) => {
        await refreshed(graceful, refreshToken)
        return [refreshToken, newAttempt()]
      },
    ],
    [
      'for another attempt',
      async ({ refreshToken }) => {
        await refreshed(graceful, refreshToken, newAttempt())
        return [refreshToken, newAttempt()]
      },
    ],
  ]
  it.each(misuses)('is no grace %s', async (_, misuse) => {
    const account = await graceful.signUp()
    const [token, attempt] = await misuse(account)
    expect(bodyOf(await graceful.refresh(token, attempt))).toEqual(refused('REFRESH_REUSED'))
    expect(await me(graceful, account.accessToken)).toEqual(unauthenticated('REFRESH_REUSED'))
  })
})
