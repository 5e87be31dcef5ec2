import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import type { Device } from '../support/devices.ts'
import { codeOf } from '../support/factors.ts'
import { type QuickAnswer, type RaceServer, type RaceUser, useRaceServer } from '../support/raceServer.ts'
import { forAll, openRacer, outcomesOf, pairFields, pairOf } from '../support/races.ts'
import { by, password, userRevokingVerbs } from '../support/revokingVerbs.ts'

jest.setTimeout(120_000)

const rounds = onPostgres ? 60 : 20

const server = useRaceServer()
let admin: Device
let passwordHash: string
beforeAll(async () => {
  admin = await server.admin()
  passwordHash = await server.parts.passwords.hash(password)
})

/** A user with an authenticator app, whose password was checked a moment ago. */
interface WaitingUser extends RaceUser {
  readonly challenge: string
  readonly secret: string
}

async function makeWaiting({ parts, rows, makeUsers }: RaceServer, count: number): Promise<WaitingUser[]> {
  const users = await makeUsers(count, { passwordHash })
  return Promise.all(
    users.map(async user => {
      const id = randomUUID()
      const { sealed, secret } = parts.totp.create(id, user.email)
      const challenge = randomBytes(32).toString('base64url')
      const hash = createHash('sha256').update(challenge).digest()
      await rows(sql`
        insert into annul.factors (id, user_id, kind, secret, confirmed_at)
        values (${id}, ${user.userId}, 'TOTP', ${sealed}, now())`)
      await rows(sql`
        insert into annul.factor_challenges (id, hash, user_id, session_version, epoch, expires_at)
        select ${randomUUID()}, ${hash}, ${user.userId}, 1, epoch, now() + interval '5 minutes' from annul.epochs`)
      return { ...user, challenge, secret }
    }),
  )
}

function complete({ challenge, secret }: WaitingUser): Promise<QuickAnswer> {
  const factor = `{ totp: "${codeOf(secret)}" }`
  return server.send(
    `mutation { completeLogin(input: { challenge: "${challenge}", factor: ${factor} }) ${pairFields} }`,
  )
}

/** Of an account with a second factor, the reset waits for the factor, and ends nothing before. */
const verbs = userRevokingVerbs.filter(({ name }) => name !== 'resetPassword')
const dead = 'BAD_USER_INPUT CHALLENGE_INVALID'
/** The second one: the factors have moved to the user's new id (recoverAccount). */
const refusals = [`login ${dead}`, 'login BAD_USER_INPUT CODE_INVALID']

describe('A login that waits for its second factor', () => {
  it.each(verbs)('opens no session that $name has not ended', async ({ reason, revoke }) => {
    const race = openRacer()
    const seen = new Set<string>()
    const fates: { access: string; refresh: string }[] = []
    await forAll(await makeWaiting(server, rounds), async user => {
      const [revoked, completed] = await race(
        () => revoke(server, user, admin),
        () => complete(user),
      )
      seen.add(`revocation ${revoked.outcome}`).add(`login ${completed.outcome}`)
      const pair = pairOf(completed)
      if (pair) fates.push(await outcomesOf(server, pair))
    })
    // Which of the two is first, a race decides.
    const outcomes = [...seen].filter(one => !['login works', ...refusals].includes(one))
    expect(outcomes).toEqual(['revocation works'])
    const ended = { access: `UNAUTHENTICATED ${reason}`, refresh: `INVALID_REFRESH_TOKEN ${reason}` }
    expect(fates).toEqual(fates.map(() => ended))
  })

  it.each([...verbs.map(({ name }) => name), 'revokeEverything'])(
    'is over when %s has returned',
    async name => {
      const [user] = await makeWaiting(server, 1)
      if (user === undefined) throw new Error('No user was made.')
      const verb = verbs.find(each => each.name === name)
      const revoked =
        verb === undefined
          ? await by(server, await server.admin(), 'revokeEverything')
          : await verb.revoke(server, user, admin)
      expect(revoked.outcome).toBe('works')
      expect((await complete(user)).outcome).toBe(dead)
    },
  )

  it('is over after five minutes', async () => {
    const [user] = await makeWaiting(server, 1)
    if (user === undefined) throw new Error('No user was made.')
    await server.rows(
      sql`update annul.factor_challenges set expires_at = now() where user_id = ${user.userId}`,
    )
    expect((await complete(user)).outcome).toBe(dead)
  })
})
