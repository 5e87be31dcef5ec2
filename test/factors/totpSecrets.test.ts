import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { renewTotpSecrets } from '../../src/accounts/renewTotpSecrets.ts'
import { startHousekeeping } from '../../src/housekeeping.ts'
import { loadSecrets } from '../../src/tokens/secret.ts'
import { createDatabase } from '../support/database.ts'
import { challengeOf, codeOf, completeLogin, loginWithFactor, signUpWithTotp } from '../support/factors.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

// Each round starts a node, and the machine may have other things to do.
jest.setTimeout(180_000)

const newSecret = () => randomBytes(32).toString('base64')
const [former, next] = [newSecret(), newSecret()]

/** The settings of a node in each round of docs/keys.md. */
const settings = {
  old: { ANNUL_SECRET: former },
  both: { ANNUL_SECRET: former, ANNUL_SECRET_PREVIOUS: next },
  changed: { ANNUL_SECRET: next, ANNUL_SECRET_PREVIOUS: former },
  new: { ANNUL_SECRET: next },
}

let running: TestServer | undefined
afterEach(() => running?.close())

async function start(database = createDatabase(), round: keyof typeof settings = 'old'): Promise<TestServer> {
  running = await startTestServer({ database: await database, env: settings[round] })
  return running
}

async function restart(node: TestServer, round: keyof typeof settings): Promise<TestServer> {
  await node.close()
  return start(Promise.resolve(node.database), round)
}

const renew = async ({ auth }: TestServer, batchRows?: number) =>
  renewTotpSecrets(auth.parts.db, await loadSecrets(auth.parts.config), batchRows)

describe('a change of ANNUL_SECRET', () => {
  it('leaves authenticator apps working in every round, and afterwards', async () => {
    let node = await start()
    const accounts = [await signUpWithTotp(node), await signUpWithTotp(node), await signUpWithTotp(node)]
    const all = async () => {
      for (const account of accounts) await loginWithFactor(node, account)
    }
    expect(await renew(node)).toBe(0)
    node = await restart(node, 'both')
    await all()
    accounts.push(await signUpWithTotp(node))

    node = await restart(node, 'changed')
    await all()
    accounts.push(await signUpWithTotp(node))
    const before = await node.rows(sql`select last_step from annul.factors order by id`)
    expect(await renew(node, 2)).toBe(4)
    expect(await renew(node, 2)).toBe(0)
    expect(await node.rows(sql`select last_step from annul.factors order by id`)).toEqual(before)
    await all()

    node = await restart(node, 'new')
    await all()
    expect(await renew(node)).toBe(0)
  })

  it('is followed by the housekeeping', async () => {
    let node = await start()
    const account = await signUpWithTotp(node)
    node = await restart(node, 'changed')
    const sealed = () => node.rows(sql`select secret from annul.factors where kind = 'TOTP'`)
    const before = JSON.stringify(await sealed())
    const errors: unknown[] = []
    const stop = startHousekeeping(node.auth.parts, error => errors.push(error), 20)
    await until(async () => JSON.stringify(await sealed()) !== before)
    stop()
    expect(errors).toEqual([])
    node = await restart(node, 'new')
    await loginWithFactor(node, account)
  })

  it('makes an app useless whose secret was not encrypted anew before the former one was gone', async () => {
    let node = await start()
    const account = await signUpWithTotp(node)
    node = await restart(node, 'changed')
    node = await restart(node, 'new')
    const answer = await completeLogin(node, await challengeOf(node, account), {
      totp: codeOf(account.secret),
    })
    expect(answer.reason).toBe('CODE_INVALID')
    await loginWithFactor(node, account, account.recoveryCodes[0])
  })
})
