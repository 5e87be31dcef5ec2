import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { must, refusal, refused } from '../support/answers.ts'
import type { TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import {
  beginTotp,
  challengeOf,
  codeOf,
  completeLogin,
  confirmTotp,
  freeCode,
  insertPasskey,
  listFactors,
  loginWithFactor,
  makeRecoveryCodes,
  reauthenticateWith,
  removeFactor,
  signUpWithTotp,
  type TotpAccount,
} from '../support/factors.ts'
import { openRacer } from '../support/races.ts'
import { type TestServer, useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

// The machine may have other things to do.
jest.setTimeout(120_000)

/** What the app's hook waits for, in the transaction that opens a session. */
let signingIn: () => Promise<void> = async () => {}

const first = useServer({ app: { hooks: { signedIn: () => signingIn() } } })
const second = useSecondNode(first)
const nodeOf = (at: number): TestServer => (at % 2 === 0 ? first : second)

type Pair = Pick<TokensAnswer, 'accessToken' | 'refreshToken'>

/** Whether a node accepts one of the tokens. The refresh token is spent. */
async function accepted({ accessToken, refreshToken }: Pair): Promise<boolean> {
  for (const node of [first, second])
    if ((await node.send('{ me { id } }', { token: accessToken })).data) return true
  return (await second.refresh(refreshToken)).data !== null
}

const challengesOf = (account: TotpAccount, count: number) =>
  Promise.all(Array.from({ length: count }, (_, at) => challengeOf(nodeOf(at), account)))

describe('removeFactor', () => {
  it.each([1, 2, 3])('against 30 sign-ins at once leaves no session of the factor, round %i', async () => {
    const account = await signUpWithTotp(first)
    const own = await loginWithFactor(first, account)
    const challenges = await challengesOf(account, 30)
    const totp = codeOf(account.secret)
    const race = openRacer()
    const [answers, removal] = await race(
      () =>
        Promise.all(
          challenges.map((challenge, at) => {
            const recoveryCode = account.recoveryCodes[at]
            return completeLogin(nodeOf(at), challenge, recoveryCode ? { recoveryCode } : { totp })
          }),
        ),
      () => removeFactor(second, own.accessToken, account.factorId),
    )
    expect(must(removal)).toEqual({ removeFactor: true })
    const opened = answers.flatMap(({ data }) => (data ? [data.completeLogin] : []))
    const refusals = new Set(answers.flatMap(({ data, reason }) => (data ? [] : [reason])))
    expect([...refusals].filter(reason => reason !== 'CODE_INVALID')).toEqual([])
    expect(await Promise.all(opened.map(accepted))).toEqual(opened.map(() => false))
    expect(await accepted(own)).toBe(true)
  })

  it('against proofs at once leaves no session that the factor has given a proof for', async () => {
    const race = openRacer()
    for (let round = 0; round < 10; round++) {
      const account = await signUpWithTotp(first)
      const own = await loginWithFactor(first, account)
      const [proof, removal] = await race(
        () => reauthenticateWith(first, account.tokens.accessToken, { totp: codeOf(account.secret) }),
        () => removeFactor(second, own.accessToken, account.factorId),
      )
      expect(must(removal)).toEqual({ removeFactor: true })
      // Where the proof came too late, the session has not to do with the factor, and lives.
      if (proof.data) {
        expect(await accepted(proof.data.reauthenticateWith)).toBe(false)
        expect(await accepted(account.tokens)).toBe(false)
      } else {
        expect(proof.reason).toBe('CODE_INVALID')
        expect(await accepted(account.tokens)).toBe(true)
      }
    }
  })
})

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('with each order of the statements', () => {
  let client: postgres.Sql
  beforeAll(() => {
    client = postgres(first.env.DATABASE_URL ?? '', { max: 2, onnotice: () => {} })
  })
  afterAll(() => client.end())

  /** Transactions of the nodes that wait for a row. */
  const waiting = async () =>
    (
      await client`select 1 from pg_stat_activity where application_name = 'annul'
        and wait_event_type = 'Lock' and datname = current_database()`
    ).length

  /** Runs something while a row is locked, and unlocks the row when `work` says so. */
  async function locked<T>(
    table: 'users' | 'sessions' | 'factors',
    id: string,
    work: (open: () => Promise<void>) => T,
  ) {
    const lock = await client.reserve()
    await lock`begin`
    await lock`select 1 from ${client(`annul.${table}`)} where id = ${id} for no key update`
    return work(async () => {
      await lock`commit`
      lock.release()
    })
  }

  it.each(['an app', 'a recovery code'])(
    'a sign-in by %s that has used its code up ends with the removal that waits for it',
    async by => {
      const account = await signUpWithTotp(first)
      const own = await loginWithFactor(first, account)
      const [challenge = ''] = await challengesOf(account, 1)
      const [recoveryCode = ''] = account.recoveryCodes
      const factor = by === 'an app' ? { totp: codeOf(account.secret) } : { recoveryCode }
      let finish = () => {}
      let isIn = false
      signingIn = () =>
        new Promise(resolve => {
          isIn = true
          finish = resolve
        })
      const entering = completeLogin(first, challenge, factor)
      await until(() => isIn)
      signingIn = async () => {}
      const removal = removeFactor(second, own.accessToken, account.factorId)
      await until(async () => (await waiting()) > 0)
      finish()
      const { completeLogin: tokens } = must(await entering)
      expect(must(await removal)).toEqual({ removeFactor: true })
      expect(await accepted(tokens)).toBe(false)
    },
  )

  it('a sign-in that falls into a removal is refused, by the app and by a recovery code', async () => {
    const account = await signUpWithTotp(first)
    const own = await loginWithFactor(first, account)
    const other = await loginWithFactor(first, account)
    const challenges = await challengesOf(account, 2)
    const [recoveryCode = ''] = account.recoveryCodes
    await locked('sessions', other.session.id, async open => {
      const removal = removeFactor(second, own.accessToken, account.factorId)
      await until(async () => (await waiting()) > 0)
      const answers = [{ totp: codeOf(account.secret) }, { recoveryCode }].map((factor, at) =>
        completeLogin(first, challenges[at] ?? '', factor),
      )
      await until(async () => (await waiting()) > 2)
      await open()
      expect((await Promise.all(answers)).map(({ reason }) => reason)).toEqual([
        'CODE_INVALID',
        'CODE_INVALID',
      ])
      expect(must(await removal)).toEqual({ removeFactor: true })
    })
    expect(await accepted(other)).toBe(false)
  })

  it('a recovery code and a removal at once never wait for each other', async () => {
    const account = await signUpWithTotp(first)
    const own = await loginWithFactor(first, account)
    const [challenge = ''] = await challengesOf(account, 1)
    const codes = (await listFactors(first, own.accessToken)).find(({ kind }) => kind === 'RECOVERY_CODE')
    await locked('factors', codes?.id ?? '', async open => {
      const removal = removeFactor(second, own.accessToken, account.factorId)
      await until(async () => (await waiting()) > 0)
      const entering = completeLogin(first, challenge, { recoveryCode: account.recoveryCodes[0] })
      await until(async () => (await waiting()) > 1)
      await open()
      expect(must(await removal)).toEqual({ removeFactor: true })
      expect((await entering).reason).toBe('CODE_INVALID')
    })
  })

  it('a proof that has used its code up ends its session with the removal that waits for it', async () => {
    const account = await signUpWithTotp(first)
    const own = await loginWithFactor(first, account)
    await locked('sessions', account.tokens.session.id, async open => {
      const proof = reauthenticateWith(first, account.tokens.accessToken, { totp: codeOf(account.secret) })
      await until(async () => (await waiting()) > 0)
      const removal = removeFactor(second, own.accessToken, account.factorId)
      await until(async () => (await waiting()) > 1)
      await open()
      const { reauthenticateWith: tokens } = must(await proof)
      expect(must(await removal)).toEqual({ removeFactor: true })
      expect(await accepted(tokens)).toBe(false)
    })
  })

  it('a sign-in by a former recovery code ends with the new codes that wait for it', async () => {
    const account = await signUpWithTotp(first)
    const own = await loginWithFactor(first, account)
    const [challenge = ''] = await challengesOf(account, 1)
    let finish = () => {}
    let isIn = false
    signingIn = () =>
      new Promise(resolve => {
        isIn = true
        finish = resolve
      })
    const entering = completeLogin(first, challenge, { recoveryCode: account.recoveryCodes[0] })
    await until(() => isIn)
    signingIn = async () => {}
    const making = makeRecoveryCodes(second, own.accessToken)
    await until(async () => (await waiting()) > 0)
    finish()
    const { completeLogin: tokens } = must(await entering)
    must(await making)
    expect(await accepted(tokens)).toBe(false)
  })

  it('an enrolment without a factor can’t end when the first factor is there', async () => {
    const thief = await first.signUp()
    const app = await beginTotp(first, thief.accessToken)
    await locked('users', thief.userId, async open => {
      const confirming = confirmTotp(second, thief.accessToken, app)
      await until(async () => (await waiting()) > 0)
      // The owner's first factor is there before the lock is given.
      await insertPasskey(first, thief.userId)
      await open()
      expect(refusal(await confirming)).toEqual(
        refused({ code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, mfa: true, recover: 'REAUTHENTICATE' }),
      )
    })
    expect(
      await first.rows(sql`select kind from annul.factors
      where user_id = ${thief.userId} and confirmed_at is not null`),
    ).toEqual([{ kind: 'PASSKEY' }])
  })
})

describe('an enrolment', () => {
  it('that is confirmed ten times at once gives one app and one set of codes', async () => {
    const { accessToken, userId } = await first.signUp()
    const app = await beginTotp(first, accessToken)
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => confirmTotp(nodeOf(at), accessToken, app)),
    )
    const [confirmed, ...more] = answers.flatMap(({ data }) => (data ? [data.confirmTotp] : []))
    expect(confirmed?.recoveryCodes).toHaveLength(10)
    expect(more).toEqual([])
    const stored = await first.rows(sql`
      select f.kind, count(c.hash)::int as codes from annul.factors f
      left join annul.recovery_codes c on c.factor_id = f.id
      where user_id = ${userId} group by f.id order by f.kind`)
    expect(stored).toEqual([
      { kind: 'RECOVERY_CODE', codes: 10 },
      { kind: 'TOTP', codes: 0 },
    ])
    const [recoveryCode = ''] = confirmed?.recoveryCodes ?? []
    await freeCode(first, app.id)
    must(await reauthenticateWith(second, accessToken, { recoveryCode }))
  })

  it('that began before the owner’s is dropped by it', async () => {
    const owner = await first.signUp()
    const thief = await second.login(owner)
    const stolen = await beginTotp(second, thief.accessToken)
    const own = await beginTotp(first, owner.accessToken)
    must(await confirmTotp(first, owner.accessToken, own))
    expect((await confirmTotp(second, thief.accessToken, stolen)).reason).toBe('ENROLLMENT_INVALID')
    await expect(beginTotp(second, thief.accessToken)).rejects.toThrow('REAUTHENTICATION_REQUIRED')
  })
})
