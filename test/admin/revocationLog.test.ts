import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { rotateKeys } from '../../src/admin/rotateKeys.ts'
import { must } from '../support/answers.ts'
import { openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

interface Log {
  readonly size: number
  readonly perMinute: number[]
  readonly revokedOnAllNodes: { readonly upToMs: number | null; readonly count: number }[]
}
const logQuery = '{ revocationLog { size perMinute revokedOnAllNodes { upToMs count } } }'
const keysQuery = '{ signingKeys { id algorithm signs signsFrom retiredAt verifiesUntil revokedAt } }'
const sum = (counts: readonly number[]) => counts.reduce((one, other) => one + other, 0)

describe('revocationLog', () => {
  it('counts each revocation in its minute, in what the node remembers, and by how long it took', async () => {
    const admin = await openAdmin(server)
    const read = async () =>
      must(await server.send<{ revocationLog: Log }>(logQuery, { token: admin.accessToken })).revocationLog
    const before = await read()
    expect(before.perMinute.length).toBe(60)
    expect(before.revokedOnAllNodes.at(-1)).toEqual({ upToMs: null, count: 0 })
    for (let times = 0; times < 3; times++) {
      const { accessToken } = await server.signUp()
      must(await server.send('mutation { logout }', { token: accessToken }))
    }
    // One of another node, half an hour ago.
    await server.rows(sql`insert into annul.revocations (kind, subject, reason, revoked_at)
      values ('session', gen_random_uuid(), 'LOGGED_OUT', now() - interval '29 minutes 30 seconds')`)

    const after = await read()
    expect(after.size - before.size).toBeGreaterThanOrEqual(3)
    expect(sum(after.perMinute) - sum(before.perMinute)).toBe(4)
    expect(after.perMinute[60 - 1 - 29]).toBe(1)
    const counted = ({ revokedOnAllNodes }: Log) => sum(revokedOnAllNodes.map(({ count }) => count))
    expect(counted(after) - counted(before)).toBe(3)
    const bounds = after.revokedOnAllNodes.slice(0, -1).map(({ upToMs }) => upToMs ?? Number.NaN)
    expect(bounds).toEqual([...bounds].sort((one, other) => one - other))
    expect(after.revokedOnAllNodes.every(({ count }) => count >= 0)).toBe(true)
  })
})

describe('signingKeys', () => {
  it('tells which key signs, which only verifies and until when, and nothing of private halves', async () => {
    const admin = await openAdmin(server)
    const read = async () =>
      must(
        await server.send<{ signingKeys: Record<string, unknown>[] }>(keysQuery, {
          token: admin.accessToken,
        }),
      ).signingKeys
    const [first] = await read()
    const kid = JSON.parse(Buffer.from(admin.accessToken.split('.')[0] ?? '', 'base64url').toString()).kid
    expect(first).toEqual({
      ...{ id: kid, algorithm: 'ES256', signs: true, signsFrom: expect.any(String) },
      ...{ retiredAt: null, verifiesUntil: null, revokedAt: null },
    })

    await rotateKeys(server.auth.parts)
    const keys = await read()
    expect(keys.length).toBe(2)
    const former = keys.find(({ id }) => id === kid)
    const hours =
      (Date.parse(String(former?.verifiesUntil)) - Date.parse(String(former?.retiredAt))) / 3_600_000
    expect(hours).toBeCloseTo(3720 / 3600)
    expect(keys.filter(({ signs }) => signs).length).toBe(1)
  })
})
