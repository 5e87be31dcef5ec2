import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { newPassword, resetPassword } from '../support/account.ts'
import { must } from '../support/answers.ts'
import type { Answer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { openMfaAdmin } from '../support/devices.ts'
import {
  challengeOf,
  completeLogin,
  loginAnswer,
  reauthenticateWith,
  signUpWithTotp,
  type TotpAccount,
} from '../support/factors.ts'
import { makeToken } from '../support/oneTimeLinks.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/*
 * A proof by a factor meets a verb that takes the factor away. Both lock the user, the factor, its codes and the sessions
 * in one order, so that neither waits for the other in a circle. A third transaction holds one of the rows until both
 * wait: so their statements meet in the order that would be a deadlock otherwise.
 */

type Verb = (account: TotpAccount) => Promise<() => Promise<Answer<unknown>>>

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a proof by a recovery code', () => {
  const server = useServer()
  let client: postgres.Sql
  beforeAll(async () => {
    client = postgres(server.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
  })
  afterAll(() => client.end())

  const proofs: Record<string, Verb> = {
    reauthenticateWith:
      async ({ tokens, recoveryCodes: [recoveryCode] }) =>
      () =>
        reauthenticateWith(server, tokens.accessToken, { recoveryCode }),
    'completeLogin of a login': async account => {
      const challenge = await challengeOf(server, account)
      return () => completeLogin(server, challenge, { recoveryCode: account.recoveryCodes[0] })
    },
    'completeLogin of a reset': async account => {
      const token = await makeToken(server, 'reset-password', account)
      const asked = await resetPassword(server, token, newPassword())
      const challenge = String(asked.errors?.[0]?.extensions.challenge)
      return () => completeLogin(server, challenge, { recoveryCode: account.recoveryCodes[0] })
    },
  }
  const byAdmin =
    (field: (id: string) => string): Verb =>
    async ({ userId }) => {
      const { accessToken: token } = await openMfaAdmin(server)
      return () => server.send(`mutation { ${field(userId)} }`, { token })
    }
  const removals: Record<string, Verb> = {
    deleteUser: byAdmin(id => `deleteUser(id: "${id}")`),
    resetFactors: byAdmin(id => `resetFactors(id: "${id}") { id }`),
    recoverAccount: byAdmin(id => `recoverAccount(id: "${id}") { id }`),
    deleteAccount:
      async ({ tokens }) =>
      () =>
        server.send('mutation { deleteAccount }', { token: tokens.accessToken }),
  }
  const held = {
    'a code': ({ userId }: TotpAccount) => client`
      select 1 from annul.recovery_codes where factor_id in
        (select id from annul.factors where user_id = ${userId} and kind = 'RECOVERY_CODE') for update`,
    'the factor': ({ userId }: TotpAccount) =>
      client`select 1 from annul.factors where user_id = ${userId} and kind = 'RECOVERY_CODE' for update`,
  }
  /** A proof in the transaction of a login holds the user, too: there one of the rows is enough. */
  const rowsFor = (proof: string): (keyof typeof held)[] =>
    proof === 'reauthenticateWith' ? ['a code', 'the factor'] : ['a code']
  const cases = Object.keys(proofs).flatMap(proof =>
    Object.keys(removals).flatMap(removal =>
      rowsFor(proof).flatMap(row => ['first', 'second'].map(place => [proof, place, removal, row] as const)),
    ),
  )

  it.each(cases)(
    'by %s, which comes %s, does not deadlock with %s over %s',
    async (proof, place, removal, row) => {
      const account = await signUpWithTotp(server)
      const prove = await proofs[proof]?.(account)
      const remove = await removals[removal]?.(account)
      if (prove === undefined || remove === undefined) throw new Error('There is no such verb.')
      const answers = await whileHeld(
        () => held[row](account),
        place === 'first' ? [prove, remove] : [remove, prove],
      )
      const [proved, removed] = place === 'first' ? answers : answers.toReversed()
      must(removed as Answer<unknown>)
      // The proof came to its end before the removal, or was refused for what the removal has done.
      expect(['works', 'BAD_USER_INPUT', 'UNAUTHENTICATED']).toContain(proved?.code ?? 'works')
      expect(await server.rows(sql`select id from annul.factors where user_id = ${account.userId}`)).toEqual(
        [],
      )
      const tokens = Object.values((proved?.data ?? {}) as Record<string, { accessToken: string }>)[0]
      if (tokens)
        expect(await server.send('{ me { id } }', { token: tokens.accessToken })).toMatchObject({
          status: 401,
        })
    },
  )

  it('is asked for by a login that meets recoverAccount: the login is refused as after it', async () => {
    const account = await signUpWithTotp(server)
    const remove = await removals.recoverAccount?.(account)
    if (remove === undefined) throw new Error('There is no such verb.')
    // The account is given its new id while the challenge of the login waits for the row of the old one.
    const answers = await whileHeld(
      () => held['a code'](account),
      [remove, () => loginAnswer(server, account)],
    )
    expect(answers.map(({ code }) => code ?? 'works')).toEqual(['works', 'INVALID_CREDENTIALS'])
  })

  it('was never the victim of a deadlock', async () => {
    const [seen] = await server.rows(
      sql`select deadlocks::int from pg_stat_database where datname = current_database()`,
    )
    expect(seen).toEqual({ deadlocks: 0 })
  })

  /** Sends two operations, the second one when the first one waits, and lets go when both wait. */
  async function whileHeld(
    hold: () => Promise<unknown>,
    [first, second]: readonly (() => Promise<Answer<unknown>>)[],
  ): Promise<Answer<unknown>[]> {
    const areWaiting = (count: number) =>
      until(
        () =>
          server.rows(sql`
            select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
        ({ length }) => length >= count,
      )
    await client`begin`
    const sent: Promise<Answer<unknown>>[] = []
    try {
      await hold()
      for (const send of [first, second]) {
        if (send) sent.push(send())
        await areWaiting(sent.length)
      }
    } finally {
      await client`commit`
    }
    return Promise.all(sent)
  }
})
