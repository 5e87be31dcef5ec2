import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { type Algorithm, hash } from '@node-rs/argon2'
import { sql } from 'drizzle-orm'
import { changeEmail } from '../../src/accounts/changeEmail.ts'
import { changePassword } from '../../src/accounts/changePassword.ts'
import { completeLogin } from '../../src/accounts/completeLogin.ts'
import { delayFactorReset } from '../../src/accounts/delayFactorReset.ts'
import { deleteAccount } from '../../src/accounts/deleteAccount.ts'
import { enrollTotp } from '../../src/accounts/enrollTotp.ts'
import { makeRecoveryCodes } from '../../src/accounts/makeRecoveryCodes.ts'
import { removeFactor } from '../../src/accounts/removeFactor.ts'
import { renameFactor } from '../../src/accounts/renameFactor.ts'
import { requestEmailVerification } from '../../src/accounts/requestEmailVerification.ts'
import { requestPasswordReset } from '../../src/accounts/requestPasswordReset.ts'
import { resetPassword } from '../../src/accounts/resetPassword.ts'
import { restoreEmail } from '../../src/accounts/restoreEmail.ts'
import { verifyEmail } from '../../src/accounts/verifyEmail.ts'
import { blockUser, unblockUser } from '../../src/admin/blockUser.ts'
import { deleteUser } from '../../src/admin/deleteUser.ts'
import { recoverAccount } from '../../src/admin/recoverAccount.ts'
import { resetFactors } from '../../src/admin/resetFactors.ts'
import { revokeEverything } from '../../src/admin/revokeEverything.ts'
import { revokeUserSessions } from '../../src/admin/revokeUserSessions.ts'
import { setUserAccess } from '../../src/admin/setUserAccess.ts'
import { AuthError } from '../../src/errors.ts'
import type { Parts } from '../../src/parts.ts'
import { login } from '../../src/sessions/login.ts'
import { logoutByRefreshToken, logoutViewer } from '../../src/sessions/logout.ts'
import { reauthenticate } from '../../src/sessions/reauthenticate.ts'
import { reauthenticateWith } from '../../src/sessions/reauthenticateWith.ts'
import { refresh } from '../../src/sessions/refresh.ts'
import { revokeSession } from '../../src/sessions/revokeSession.ts'
import { revokeOtherSessions, revokeSessions } from '../../src/sessions/revokeSessions.ts'
import type { DeviceVisitor, OnDevice, SessionViewer } from '../../src/viewer.ts'
import { onPostgres } from '../support/database.ts'
import { codeOf } from '../support/factors.ts'
import { noDevice } from '../support/noDevice.ts'
import { useServer } from '../support/server.ts'

/* Two admins and one user do two things at once, many times (DEADLOCK_PAIRS=2000 is the long form): no verb may wait for
 * another in a circle. */

const pairs = Number(process.env.DEADLOCK_PAIRS ?? 600)
const describePostgres = onPostgres ? describe : describe.skip
const password = 'a password of the pairs'

interface Person {
  readonly id: string
  readonly sessionId: string
  /** Seconds, as the token has it and the session. */
  readonly authTime: number
  readonly isAdmin: boolean
  /** Some have an authenticator app, and a set of recovery codes. */
  readonly app?: { readonly id: string; readonly secret: string }
}

interface Act {
  readonly parts: Parts
  readonly viewer: SessionViewer & OnDevice
  readonly by: Person
  readonly target: Person
}

const visitor: DeviceVisitor = {
  ipAddress: null,
  userAgent: null,
  binding: undefined,
  newBinding: undefined,
  device: noDevice,
  revoked: () => {},
}
const tokenFor = (parts: Parts, { id }: Person, digit: string) =>
  parts.oneTimeTokens.derive(id.slice(0, 14) + digit + id.slice(15))
/** A visitor who has asked for the codes of a person. */
const visitorOn = (id: string): DeviceVisitor => ({ ...visitor, device: { ...noDevice, knownId: id } })
const tokenOf = ({ parts, by }: Act, generation: number) =>
  parts.refreshTokens.derive({ sessionId: by.sessionId, generation })

const verbs: Record<string, (act: Act) => Promise<unknown>> = {
  login: ({ parts, by }) => login(parts, visitor, { email: `${by.id}@example.com`, password }),
  refresh: act => refresh(act.parts, visitor, { refreshToken: tokenOf(act, 2) }),
  theft: act => refresh(act.parts, visitor, { refreshToken: tokenOf(act, 1) }),
  logout: ({ parts, viewer }) => logoutViewer(parts, viewer),
  'logout by token': act => logoutByRefreshToken(act.parts, visitor, tokenOf(act, 2)),
  revokeSession: ({ parts, viewer, by }) => revokeSession(parts, viewer, { id: by.sessionId }),
  revokeSessions: ({ parts, viewer }) => revokeSessions(parts, viewer),
  revokeOtherSessions: ({ parts, viewer }) => revokeOtherSessions(parts, viewer),
  reauthenticate: ({ parts, viewer }) => reauthenticate(parts, viewer, { password }),
  changePassword: ({ parts, viewer }) =>
    changePassword(parts, viewer, { currentPassword: password, newPassword: 'a newer password of them' }),
  blockUser: ({ parts, viewer, target }) => blockUser(parts, viewer, { id: target.id }),
  unblockUser: ({ parts, viewer, target }) => unblockUser(parts, viewer, { id: target.id }),
  demote: ({ parts, viewer, target }) =>
    setUserAccess(parts, viewer, { id: target.id, roles: [], scopes: [] }),
  promote: ({ parts, viewer, target }) =>
    setUserAccess(parts, viewer, { id: target.id, roles: ['admin'], scopes: ['all'] }),
  revokeUserSessions: ({ parts, viewer, target }) => revokeUserSessions(parts, viewer, { id: target.id }),
  deleteUser: ({ parts, viewer, target }) => deleteUser(parts, viewer, { id: target.id }),
  recoverAccount: ({ parts, viewer, target }) => recoverAccount(parts, viewer, { id: target.id }),
  resetFactors: ({ parts, viewer, target }) => resetFactors(parts, viewer, { id: target.id }),
  delayFactorReset: ({ parts, viewer }) => delayFactorReset(parts, viewer, { delay: true }),
  deleteAccount: ({ parts, viewer }) => deleteAccount(parts, viewer),
  changeEmail: ({ parts, viewer, by }) => changeEmail(parts, viewer, { email: `${by.id}@other.example` }),
  requestEmailVerification: ({ parts, viewer }) => requestEmailVerification(parts, viewer),
  requestPasswordReset: ({ parts, by }) =>
    requestPasswordReset(parts, visitor, { email: `${by.id}@example.com` }),
  verifyEmail: ({ parts, by }) => verifyEmail(parts, visitor, { token: tokenFor(parts, by, 'c') }),
  'a wrong code': ({ parts, by }) => verifyEmail(parts, visitorOn(by.id), { token: 'AAAAAAAA' }),
  restoreEmail: ({ parts, by }) => restoreEmail(parts, visitor, { token: tokenFor(parts, by, 'd') }),
  resetPassword: ({ parts, by }) =>
    resetPassword(parts, visitor, {
      token: tokenFor(parts, by, 'e'),
      newPassword: 'a newer password of them',
    }),
  revokeEverything: ({ parts, viewer }) => revokeEverything(parts, viewer),
  'completeLogin by a code': act => signIn(act, { totp: codeOf(act.by.app?.secret ?? 'A'.repeat(32)) }),
  reauthenticateWith: ({ parts, viewer, by }) =>
    reauthenticateWith(parts, viewer, { totp: codeOf(by.app?.secret ?? 'A'.repeat(32)) }),
  enrollTotp: ({ parts, viewer }) => enrollTotp(parts, viewer),
  renameFactor: ({ parts, viewer, by }) =>
    renameFactor(parts, viewer, { id: by.app?.id ?? by.id, name: 'a name' }),
  removeFactor: ({ parts, viewer, by }) => removeFactor(parts, viewer, { id: by.app?.id ?? by.id }),
  makeRecoveryCodes: ({ parts, viewer }) => makeRecoveryCodes(parts, viewer),
}

/** With both steps, where the account has a second factor. */
async function signIn({ parts, by }: Act, factor: { totp: string }): Promise<unknown> {
  const asked = await login(parts, visitor, { email: `${by.id}@example.com`, password }).catch(error => error)
  const challenge = asked instanceof AuthError ? asked.details.challenge : undefined
  if (typeof challenge === 'string') return completeLogin(parts, visitor, { challenge, factor })
  if (asked instanceof Error) throw asked
  return asked
}

const onlyAdmins = new Set(
  'blockUser unblockUser demote promote revokeUserSessions deleteUser recoverAccount resetFactors revokeEverything'.split(
    ' ',
  ),
)

describePostgres('two verbs at once', () => {
  const server = useServer()
  let cheapHash: string
  beforeAll(async () => {
    cheapHash = await hash(password, {
      algorithm: 2 as Algorithm.Argon2id,
      memoryCost: 8,
      timeCost: 1,
      parallelism: 1,
    })
  })

  it(`never deadlock, in ${pairs} random pairs`, async () => {
    const random = seeded(20261125)
    const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T
    const outcomes = new Map<string, number>()
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)

    const once = async () => {
      const people = await gather()
      const act = async (): Promise<void> => {
        const by = pick(people)
        const names = Object.keys(verbs).filter(name => by.isAdmin || !onlyAdmins.has(name))
        const name = pick(names)
        const viewer = { ...viewerOf(by), device: noDevice }
        const acting = { parts: server.auth.parts, viewer, by, target: pick(people) }
        await verbs[name]?.(acting).then(
          () => count('done'),
          error => {
            if (!(error instanceof AuthError)) throw error
            count(error.code === 'UNAVAILABLE' ? `UNAVAILABLE: ${name}` : 'refused')
          },
        )
      }
      await Promise.all([act(), act()])
    }
    // Several pairs at a time, on people of their own; revokeEverything meets all of them.
    let left = pairs
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (left-- > 0) await once()
      }),
    )

    expect([...outcomes.keys()].sort()).toEqual(['done', 'refused'])
    expect(outcomes.get('done')).toBeGreaterThan(pairs / 2)
    const [seen] = await server.rows<{ deadlocks: number }>(
      sql`select deadlocks::int from pg_stat_database where datname = current_database()`,
    )
    expect(seen).toEqual({ deadlocks: 0 })
  }, 480_000)

  /** Two admins and a user, each with a session in its second generation. Two of them have factors. */
  async function gather(): Promise<Person[]> {
    const made = await server.rows<{ id: string; sessionId: string; authTime: number; isAdmin: boolean }>(sql`
      with made as (
        insert into annul.users (id, email, email_key, password_hash, roles)
        select id, id || '@example.com', id || '@example.com', ${cheapHash},
               case when place < 3 then array['admin'] else '{}' end
        from (select gen_random_uuid() as id, place from generate_series(1, 3) as place) as new
        returning id, roles)
      insert into annul.sessions (id, user_id, session_version, epoch, generation, attempts, rotated_at,
                                  idle_expires_at, expires_at, auth_time, factor_time)
      select gen_random_uuid(), made.id, 1, epoch, 2, array[null::bytea], now(),
             now() + interval '1 day', now() + interval '1 day', now(), now()
      from made, annul.epochs
      returning user_id as id, id as "sessionId", floor(extract(epoch from auth_time))::float8 as "authTime",
                (select roles = array['admin'] from made where made.id = user_id) as "isAdmin"`)
    const [first] = await server.rows<{ epoch: number }>(sql`select epoch::float8 as epoch from annul.epochs`)
    epoch = first?.epoch ?? 0
    // One token of each purpose for each person, whose ids are the person's but for one digit.
    await server.rows(sql`
      insert into annul.one_time_tokens (id, purpose, user_id, email, email_key, expires_at, device)
      select overlay(id::text placing digit from 15 for 1)::uuid, purpose, id, email, email,
             now() + interval '1 hour', case when digit <> 'd' then sha256(id::text::bytea) end
      from annul.users, (values ('c', 'change-email'), ('d', 'restore-email'), ('e', 'reset-password'))
        as made (digit, purpose)
      where id in ${made.map(({ id }) => id)}`)
    const people: Person[] = []
    for (const [at, person] of made.entries())
      people.push(at === 0 ? person : { ...person, app: await addApp(person) })
    return people
  }

  async function addApp({ id: userId, sessionId }: Person): Promise<{ id: string; secret: string }> {
    const [id, codes] = [randomUUID(), randomUUID()]
    const { sealed, secret } = server.auth.parts.totp.create(id, 'account')
    await server.rows(sql`
      insert into annul.factors (id, user_id, kind, secret, confirmed_at)
      values (${id}, ${userId}, 'TOTP', ${Buffer.from(sealed)}, now()), (${codes}, ${userId}, 'RECOVERY_CODE', '', now())`)
    await server.rows(sql`insert into annul.recovery_codes (factor_id, hash)
      select ${codes}, int4send(n) from generate_series(1, 10) as n`)
    await server.rows(sql`
      insert into annul.sessions (id, user_id, session_version, epoch, amr, factor_ids, idle_expires_at, expires_at, auth_time)
      select gen_random_uuid(), user_id, session_version, epoch, '{pwd,otp,mfa}', ${`{${id}}`}, idle_expires_at, expires_at, auth_time
      from annul.sessions where id = ${sessionId}`)
    return { id, secret }
  }

  let epoch = 0
  function viewerOf({ id, sessionId, authTime, isAdmin }: Person): SessionViewer {
    const iat = Math.floor(server.auth.parts.clock.now())
    const roles = isAdmin ? ['admin'] : []
    const token = server.auth.parts.accessTokens.sign({
      ...{ sub: id, sid: sessionId, ver: 1, epoch, roles, scope: '' },
      ...{ auth_time: authTime, iat, exp: iat + 600, amr: ['pwd', 'otp', 'mfa'] },
    })
    const claims = server.auth.parts.accessTokens.verify(token)
    if (typeof claims === 'string') throw new Error(claims)
    return { ...visitor, userId: id, sessionId, roles, scopes: [], claims }
  }
})

/** Mulberry32: the same pairs in every run, as far as time allows. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
