import { expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { purge } from '../../src/housekeeping.ts'
import { must } from '../support/answers.ts'
import { beginTotp, challengeOf, codeOf, completeLogin, signUpWithTotp } from '../support/factors.ts'
import { useServer } from '../support/server.ts'

// The purge takes as long as the longest lease, to tell dead nodes from living ones.
jest.setTimeout(120_000)

const server = useServer()

it('Challenges that have expired and enrolments that were left are purged, and no others', async () => {
  const account = await signUpWithTotp(server)
  const expired = [await challengeOf(server, account), await challengeOf(server, account)]
  await server.rows(sql`update annul.factor_challenges set expires_at = now() - interval '1 second'`)
  const live = await challengeOf(server, account)
  const enroll = async () => (await beginTotp(server, (await server.signUp()).accessToken)).id
  const age = (id: string, minutes: number) =>
    server.rows(sql`update annul.factors set created_at = now() - make_interval(mins => ${minutes}::int)
      where id = ${id}`)
  const [left, begun] = [await enroll(), await enroll()]
  await age(left, 61)
  await age(begun, 59)
  await age(account.factorId, 100_000)

  // Answered challenges of passkeys, which must not be answered again as long as they live.
  await server.rows(sql`insert into annul.spent_challenges (id, expires_at)
    values ('expired', now() - interval '2 minutes'), ('live', now() + interval '5 minutes')`)

  await purge(server.auth.parts)
  expect(await server.rows(sql`select id from annul.spent_challenges`)).toEqual([{ id: 'live' }])
  expect(await server.rows(sql`select count(*)::int as count from annul.factor_challenges`)).toEqual([
    { count: 1 },
  ])
  const kept = await server.rows<{ id: string }>(sql`select id from annul.factors where kind = 'TOTP'`)
  expect(kept.map(({ id }) => id).sort()).toEqual([account.factorId, begun].sort())
  for (const challenge of expired)
    expect((await completeLogin(server, challenge, { totp: codeOf(account.secret) })).reason).toBe(
      'CHALLENGE_INVALID',
    )
  must(await completeLogin(server, live, { totp: codeOf(account.secret) }))
})
