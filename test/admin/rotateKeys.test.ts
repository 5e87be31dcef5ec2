import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { rotateOldKeys } from '../../src/admin/rotateKeys.ts'
import { startHousekeeping } from '../../src/housekeeping.ts'
import { startTestServer, type TestServer, useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const first = useServer({ env: { ANNUL_KEY_DAYS: '7' } })
const second = useSecondNode(first)

interface Row {
  readonly id: string
  readonly algorithm: string
  readonly signs_in: number
  readonly retires_in: number | null
}

const keyRows = (node: TestServer = first) =>
  node.rows<Row>(sql`
    select id, algorithm, round(extract(epoch from signs_from - now()))::float8 as signs_in,
      round(extract(epoch from retired_at - now()))::float8 as retires_in
    from annul.signing_keys order by signs_from desc`)
const setAge = (days: number) =>
  first.rows(sql`update annul.signing_keys set signs_from = now() - make_interval(days => ${days})
    where retired_at is null`)
const events = (node: TestServer = first) =>
  node.rows(sql`select detail from annul.audit_events where kind = 'rotate-keys' order by id`)
const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string
/** Within the time that a loaded machine may lose. */
const about = (value: number | null | undefined, seconds: number) =>
  expect(Math.abs((value ?? Number.NaN) - seconds)).toBeLessThan(20)

describe('a key older than ANNUL_KEY_DAYS', () => {
  it('is followed by the next one: one node of many makes it, and announces it', async () => {
    const [old] = await keyRows()
    const { accessToken } = await first.signUp()
    await setAge(6)
    await Promise.all([first, second].map(node => rotateOldKeys(node.auth.parts)))
    expect(await keyRows()).toHaveLength(1)

    await setAge(8)
    await Promise.all([first, second, first, second].map(node => rotateOldKeys(node.auth.parts)))
    const [next, former, ...others] = await keyRows()
    expect(others).toEqual([])
    expect(former?.id).toBe(old?.id)
    about(next?.signs_in, 60)
    about(former?.retires_in, 60)
    expect(await events()).toEqual([{ detail: `${next?.id}: older than 7 days` }])

    // The old one signs on until then, and what it has signed stays valid.
    expect(kidOf((await first.signUp()).accessToken)).toBe(old?.id)
    for (const node of [first, second])
      expect((await node.send('{ me { id } }', { token: accessToken })).status).toBe(200)
  })

  it('is found by housekeeping, by itself', async () => {
    await first.rows(sql`update annul.signing_keys set signs_from = now() - interval '8 days'`)
    const before = await keyRows()
    const problems: unknown[] = []
    const stop = startHousekeeping(first.auth.parts, error => problems.push(error), 20)
    const after = await until(
      () => keyRows(),
      found => found.length > before.length,
    )
    // Several more rounds make no other one.
    await new Promise(resolve => setTimeout(resolve, 200))
    stop()
    expect(problems).toEqual([])
    expect(after).toHaveLength(before.length + 1)
    expect(await keyRows()).toHaveLength(after.length)
  })

  it('is removed with its private half when it has verified its last token; a revoked key stays', async () => {
    const rows = await keyRows()
    const [signer, ...old] = rows.map(({ id }) => id)
    expect(old.length).toBeGreaterThanOrEqual(2)
    await first.rows(
      sql`update annul.signing_keys set retired_at = now() - interval '3 hours' where id <> ${signer}`,
    )
    await first.rows(sql`update annul.signing_keys set revoked_at = now() where id = ${old[0]}`)
    const stop = startHousekeeping(first.auth.parts, () => {}, 20)
    await until(
      () => keyRows(),
      found => found.length === 2,
    )
    stop()
    expect((await keyRows()).map(({ id }) => id).sort()).toEqual([signer, old[0]].sort())
  })
})

describe('ANNUL_SIGNING_ALGORITHM', () => {
  it('of a node that starts makes the next key, announced; tokens of the old one stay valid', async () => {
    let node = await startTestServer()
    const { database } = node
    const account = await node.signUp()
    const restart = async (algorithm: string) => {
      await node.close()
      node = await startTestServer({ database, env: { ...node.env, ANNUL_SIGNING_ALGORITHM: algorithm } })
    }
    await restart('PS256')
    const [announced, signer] = await keyRows(node)
    expect([announced?.algorithm, signer?.algorithm]).toEqual(['PS256', 'ES256'])
    about(announced?.signs_in, 60)
    expect(await events(node)).toEqual([{ detail: `${announced?.id}: of PS256` }])

    // The same setting again makes no other key. Its time comes.
    await node.rows(sql`update annul.signing_keys set
      signs_from = signs_from - interval '61 seconds', retired_at = retired_at - interval '61 seconds'`)
    await restart('PS256')
    expect(await keyRows(node)).toHaveLength(2)
    const { accessToken } = await node.login(account)
    expect(kidOf(accessToken)).toBe(announced?.id)
    for (const token of [account.accessToken, accessToken])
      expect((await node.send('{ me { id } }', { token })).data).toEqual({ me: { id: account.userId } })
    await node.close()
  })

  it('of the first start is the algorithm of the first key', async () => {
    const node = await startTestServer({ env: { ANNUL_SIGNING_ALGORITHM: 'RS256' } })
    expect((await keyRows(node)).map(({ algorithm }) => algorithm)).toEqual(['RS256'])
    expect(await events(node)).toEqual([])
    await node.close()
  })
})
