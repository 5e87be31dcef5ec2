import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { expiredFollowers } from '../../src/admin/expiredFollowers.ts'
import { type FollowerSeen, recordFollowers } from '../../src/admin/recordFollowers.ts'
import { must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { type Device, openAdmin } from '../support/devices.ts'
import { useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const server = useServer()
const secondNode = useSecondNode(server)
let admin: Device
beforeAll(async () => {
  admin = await openAdmin(server)
})

interface Node {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly ageMs: number | null
  readonly leaseMs: number
  readonly since: string
}
const query = '{ nodes { id kind name ageMs leaseMs since } }'
const nodesOf = async (node = server) =>
  must(await node.send<{ nodes: Node[] }>(query, { token: admin.accessToken })).nodes
const follower = (changes: Partial<FollowerSeen> = {}): FollowerSeen => ({
  ...{ id: randomUUID(), kind: 'VERIFIER', name: 'orders', ageMs: 12.5, leaseMs: 2000 },
  ...{ since: new Date('2026-01-01T00:00:00Z'), ...changes },
})
const record = (...followers: FollowerSeen[]) => recordFollowers(server.auth.parts.db, followers)

describe('nodes', () => {
  it('lists the auth nodes: each knows the age of its own picture alone', async () => {
    const all = onPostgres ? 2 : 1
    for (const node of [server, secondNode]) {
      const nodes = await until(
        () => nodesOf(node),
        found => found.length === all && found.some(({ ageMs }) => ageMs !== null),
      )
      for (const seen of nodes)
        expect({ ...seen, ageMs: 0 }).toEqual({
          ...{ id: expect.any(String), kind: 'AUTH', name: null, ageMs: 0, leaseMs: 500 },
          since: expect.stringMatching(/^\d{4}-.*Z$/),
        })
      const [own] = nodes.filter(({ ageMs }) => ageMs !== null)
      expect(own?.id).toBe(node.auth.parts.revocation.node()?.id)
      expect(nodes.filter(({ ageMs }) => ageMs !== null)).toHaveLength(1)
    }
  })

  it('lists those that follow them, as long as they are written down', async () => {
    const [verifier, mirror] = [follower(), follower({ kind: 'MIRROR', name: 'redis', ageMs: null })]
    await record(verifier, mirror)
    const followers = async () => (await nodesOf()).filter(({ kind }) => kind !== 'AUTH')
    const shown = (seen: FollowerSeen) => ({ ...seen, since: '2026-01-01T00:00:00.000Z' })
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    expect(await followers()).toEqual([shown(verifier), shown(mirror)].sort(byId))

    await server.rows(
      sql`update annul.followers set seen_at = now() - interval '31 seconds' where id = ${mirror.id}`,
    )
    expect(await followers()).toEqual([shown(verifier)])
    const later = { ...verifier, ageMs: 7 }
    // Twice: it has two connections.
    await record(mirror, later, verifier)
    expect(await followers()).toEqual([shown(later), shown(mirror)].sort(byId))
    await record()
    await server.rows(sql`delete from annul.followers`)
  })

  it('is for admins alone', async () => {
    const { accessToken } = await server.signUp()
    expect(await server.send(query, { token: accessToken })).toMatchObject({ data: null, code: 'FORBIDDEN' })
    expect(await server.send(query)).toMatchObject({ data: null, code: 'UNAUTHENTICATED' })
  })
})

describe('followers', () => {
  it('are removed when nobody has written them down for a minute', async () => {
    const [live, dead] = [follower(), follower()]
    await record(live, dead)
    await server.rows(
      sql`update annul.followers set seen_at = now() - interval '61 seconds' where id = ${dead.id}`,
    )
    expect(await server.rows(expiredFollowers(10))).toHaveLength(1)
    expect(await server.rows(sql`select id::text from annul.followers`)).toEqual([{ id: live.id }])
  })

  it('that two nodes write at once, in any order, are written', async () => {
    const all = Array.from({ length: 30 }, () => follower())
    await Promise.all(
      Array.from({ length: 10 }, (_, round) => record(...(round % 2 ? all : all.toReversed()))),
    )
    const [row] = await server.rows(sql`select count(*)::int as count from annul.followers`)
    expect(row).toEqual({ count: 31 })
  })
})
