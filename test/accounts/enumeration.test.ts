import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import {
  changeEmail,
  deviceIn,
  newAddress,
  newPassword,
  register,
  requestPasswordReset,
  resetPassword,
  verifyEmail,
} from '../support/account.ts'
import { must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { mailOf } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'

jest.setTimeout(600_000)

/*
 * Whether an account exists does not show in the time of an answer: 200 answers for addresses that exist and 200 for
 * others, one after the other in turn, are compared by rank (Mann-Whitney), which a few slow answers of a busy machine
 * do not disturb. A statement more, or a hash more, shows at once: by z = 4 for half a millisecond.
 */
const samples = onPostgres ? 200 : 60

const server = useServer({ env: { ANNUL_REQUIRE_VERIFIED_EMAIL: 'true' } })
let accessToken: string
beforeAll(async () => {
  const account = await join()
  accessToken = (await server.login(account)).accessToken
})

async function join() {
  const account = { email: newAddress(), password: newPassword() }
  must(await register(server, account.email, account.password))
  must(await verifyEmail(server, (await mailOf(server, 'confirm-registration', account.email)).token))
  return account
}

/** The standard score of the sum of the ranks: from -2 to 2 in 95 of 100 comparisons of equals. */
function rankScore(one: readonly number[], other: readonly number[]): number {
  const all = [...one.map(ms => ({ ms, mine: true })), ...other.map(ms => ({ ms, mine: false }))]
  all.sort((a, b) => a.ms - b.ms)
  const sum = all.reduce((total, { mine }, index) => total + (mine ? index + 1 : 0), 0)
  const [n, m] = [one.length, other.length]
  return (sum - (n * (n + m + 1)) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
}

async function compare(act: (email: string) => Promise<unknown>, prepare = join): Promise<number> {
  const { email } = await prepare()
  const [known, unknown]: [number[], number[]] = [[], []]
  const time = async (times: number[], address: string) => {
    const startedAt = performance.now()
    await act(address)
    times.push(performance.now() - startedAt)
  }
  await act(email)
  await act(newAddress())
  for (let sample = 0; sample < samples; sample++) {
    const steps = [() => time(known, email), () => time(unknown, nobody)]
    const nobody = `nobody-${sample % 2}@example.com`
    // In turn, so that neither of the two always comes after the other.
    for (const step of sample % 2 === 0 ? steps : steps.reverse()) await step()
  }
  return Math.abs(rankScore(known, unknown))
}

describe('The time of an answer does not tell whether an account exists: (ASVS 5.0 6.3.8)', () => {
  it('requestPasswordReset', async () => {
    expect(await compare(email => requestPasswordReset(server, email))).toBeLessThan(5)
  })

  it('requestPasswordReset, where the database takes 10 ms longer for an account', async () => {
    await server.rows(sql`create function tests.wait_for_account() returns trigger language plpgsql as
      'begin perform pg_sleep(0.01); return new; end'`)
    await server.rows(sql`create trigger wait_for_account before insert on annul.audit_events for each row
      when (new.user_id is not null) execute function tests.wait_for_account()`)
    const score = await compare(email => requestPasswordReset(server, email))
    await server.rows(sql`drop trigger wait_for_account on annul.audit_events`)
    expect(score).toBeLessThan(5)
  })

  it('changeEmail', async () => {
    expect(await compare(email => changeEmail(server, accessToken, email))).toBeLessThan(5)
  })

  it('register', async () => {
    const password = newPassword()
    expect(await compare(email => register(server, email, password))).toBeLessThan(5)
  })

  it('a wrong code after requestPasswordReset', async () => {
    const score = await compare(async email => {
      const headers = deviceIn(await requestPasswordReset(server, email))
      await resetPassword(server, 'AAAAAAAA', 'a password of length', { headers })
    })
    expect(score).toBeLessThan(5)
  })
})
