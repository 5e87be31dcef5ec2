import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { RevocationView } from '../../src/revocation/view.ts'
import { must } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { openAdmin } from '../support/devices.ts'
import { refusal } from '../support/forge.ts'
import {
  day,
  type FormerForge,
  hour,
  importUser,
  openFormerForge,
  openFormerSystem,
} from '../support/formerSystem.ts'
import { startTestServer, type TestServer, useSecondNode, useServer } from '../support/server.ts'

/* A former system's tokens die with every kill of their user, as Annul's own do, and stay dead. */

const system = openFormerSystem('ES256')
const lines: Record<string, unknown>[] = []
const first = useServer({ onLogLine: line => lines.push(JSON.parse(line)) })
const second = useSecondNode(first)
beforeAll(() => {
  first.auth.accept(system.options)
  if (onPostgres) second.auth.accept(system.options)
})

const invalid = 'TOKEN_INVALID'
async function reasonOf(node: TestServer, token: string): Promise<string | undefined> {
  const { data, reason } = await node.send<{ me: { id: string } }>('{ me { id } }', { token })
  return data ? undefined : reason
}

/** Carried out on one node, for a user who came to Annul with a token of the former system. */
type Kill = (node: TestServer, user: Account & TokensAnswer) => Promise<unknown>

const byAdmin =
  (field: (userId: string) => string): Kill =>
  async (node, { userId }) =>
    must(await node.send(`mutation { ${field(userId)} }`, { token: (await openAdmin(node)).accessToken }))
const byUser =
  (field: (user: Account) => string): Kill =>
  async (node, user) =>
    must(await node.send(`mutation { ${field(user)} }`, { token: user.accessToken }))

const kills: Record<string, [Kill, string]> = {
  blockUser: [byAdmin(id => `blockUser(id: "${id}") { id }`), 'USER_BLOCKED'],
  'blockUser, and unblockUser after it': [
    byAdmin(id => `blockUser(id: "${id}") { id } unblockUser(id: "${id}") { id }`),
    'USER_BLOCKED',
  ],
  setUserAccess: [byAdmin(id => `setUserAccess(id: "${id}", roles: ["editor"]) { id }`), 'ACCESS_CHANGED'],
  revokeUserSessions: [byAdmin(id => `revokeUserSessions(id: "${id}") { id }`), 'SESSIONS_REVOKED'],
  deleteUser: [byAdmin(id => `deleteUser(id: "${id}")`), 'USER_DELETED'],
  revokeSessions: [byUser(() => 'revokeSessions'), 'SESSIONS_REVOKED'],
  revokeOtherSessions: [byUser(() => 'revokeOtherSessions { expiresIn }'), 'SESSIONS_REVOKED'],
  changePassword: [
    byUser(({ password }) => {
      const input = `{ currentPassword: "${password}", newPassword: "another ${password}" }`
      return `changePassword(input: ${input}) { expiresIn }`
    }),
    'PASSWORD_CHANGED',
  ],
  revokeEverything: [byAdmin(() => 'revokeEverything'), 'EVERYTHING_REVOKED'],
}

/** As when two hours have passed: the log has forgotten every kill, and so have the views of all nodes. */
async function letTwoHoursPass(nodes: readonly TestServer[]): Promise<void> {
  await first.rows(sql`delete from annul.revocations`)
  for (const node of nodes) {
    const view = node.auth.parts.revocation.view as RevocationView
    while (view.size.users + view.size.sessions > 0) view.apply([], Date.now() + 2 * hour * 1000)
  }
}

describe.each(Object.entries(kills))('%s on one node', (_, [kill, reason]) => {
  it('ends the token on every node when it has returned, and still two hours later', async () => {
    const user = await first.signUp()
    const token = openFormerForge(first, system, user.userId).make()
    for (const node of [first, second]) expect(await reasonOf(node, token)).toBeUndefined()

    await kill(second, user)
    for (const node of [first, second]) expect(await reasonOf(node, token)).toBe(reason)

    await letTwoHoursPass([first, second])
    const { view } = first.auth.parts.revocation
    // Only everybody's epoch is never forgotten.
    const remembered = view.verdict({ sub: user.userId, sid: null, ver: 1, epoch: 1e9 })
    expect(remembered).toBeUndefined()
    for (const node of [first, second]) expect(await reasonOf(node, token)).toBe(reason)
  })
})

describe('a restart', () => {
  it.each(['blockUser', 'revokeEverything'])('brings no token back that %s has ended before', async name => {
    const { database, env, ...before } = await startTestServer()
    const node = { database, env, ...before } as TestServer
    node.auth.accept(system.options)
    const user = await node.signUp()
    const token = openFormerForge(node, system, user.userId).make()
    expect(await reasonOf(node, token)).toBeUndefined()
    const [kill, reason] = kills[name] ?? []
    await kill?.(node, user)
    await node.rows(sql`delete from annul.revocations`)
    await node.close()

    const again = await startTestServer({ database, env })
    try {
      again.auth.accept(system.options)
      expect(await reasonOf(again, token)).toBe(reason)
      // Who is imported now had nothing of Annul's to lose.
      const later = openFormerForge(again, system, await importUser(again))
      expect(await later.present(later.make())).toEqual(later.accepted)
    } finally {
      await again.close()
    }
  })

  it('keeps the tokens of users whom nobody has killed (ASVS 5.0 7.1.3 and 7.6.1 and 7.6.2)', async () => {
    const node = await startTestServer()
    const userId = await importUser(node)
    const { database, env } = node
    await node.close()
    const again = await startTestServer({ database, env })
    try {
      again.auth.accept(system.options)
      const forge = openFormerForge(again, system, userId)
      expect(await forge.present(forge.make())).toEqual(forge.accepted)
    } finally {
      await again.close()
    }
  })
})

describe('an import', () => {
  it('after revokeEverything brings users whose tokens live, until the next one', async () => {
    const admin = async () => (await openAdmin(second)).accessToken
    must(await second.send('mutation { revokeEverything }', { token: await admin() }))
    const forge = openFormerForge(first, system, await importUser(first))
    expect(await forge.present(forge.make())).toEqual(forge.accepted)
    must(await second.send('mutation { revokeEverything }', { token: await admin() }))
    expect(await reasonOf(first, forge.make())).toBe('EVERYTHING_REVOKED')
  })

  it('whose transaction is open while everything is revoked ends on the safe side', async () => {
    if (!onPostgres) return
    const { db } = first.auth.parts
    const admin = await openAdmin(second)
    const userId = await db.transaction(async tx => {
      const id = await importUser({ ...first, rows: (statement: never) => tx.execute(statement) } as never)
      must(await second.send('mutation { revokeEverything }', { token: admin.accessToken }))
      return id
    })
    expect(await reasonOf(first, openFormerForge(first, system, userId).make())).toBe('EVERYTHING_REVOKED')
  })
})

describe('the user in the database', () => {
  it('has the roles and scopes that count, and not the token', async () => {
    const userId = await importUser(first, ['editor'])
    await first.rows(sql`update annul.users set scopes = '{read,write}' where id = ${userId}`)
    const token = openFormerForge(first, system, userId).make({
      claims: { roles: ['admin'], scope: 'everything', scopes: ['everything'] },
    })
    const me = await first.send('{ me { id roles scopes email } }', { token })
    expect(me.data).toEqual({
      me: { id: userId, roles: ['editor'], scopes: ['read', 'write'], email: `${userId}@example.com` },
    })
    expect(await first.send('{ users { edges { cursor } } }', { token })).toMatchObject({
      data: null,
      code: 'FORBIDDEN',
    })
  })

  it('makes an admin of an admin, within maxAge of when the token was issued', async () => {
    const userId = await importUser(first, ['admin'])
    const forge = openFormerForge(first, system, userId)
    const users = await first.send('{ users { edges { cursor } } }', { token: forge.make() })
    expect(users.data).toMatchObject({ users: { edges: expect.any(Array) } })
    const now = first.auth.parts.clock.now()
    const revokeEverything = (claims: object) =>
      second.send('mutation { revokeEverything }', { token: forge.make({ claims: { ...claims } }) })
    const old = [{}, { iat: undefined }, { iat: now, auth_time: now - 400 }, { iat: now - 400 }]
    for (const claims of old)
      expect(await revokeEverything(claims)).toMatchObject({
        data: null,
        code: 'REAUTHENTICATION_REQUIRED',
        errors: [{ extensions: { maxAge: 300, recover: 'REAUTHENTICATE' } }],
      })
    expect((await revokeEverything({ iat: now - 10 })).data).toEqual({ revokeEverything: true })
    expect(await reasonOf(first, forge.make())).toBe('EVERYTHING_REVOKED')
  })

  it.each([
    ['BLOCKED', 'USER_BLOCKED'],
    ['DELETED', 'USER_DELETED'],
  ])('whose row was set to %s by hand is refused', async (status, reason) => {
    const forge = openFormerForge(first, system, await importUser(first))
    await first.rows(sql`update annul.users set status = ${status} where id = ${forge.userId}`)
    expect(await reasonOf(second, forge.make())).toBe(reason)
  })

  it('who is not there makes the token one that never was valid', async () => {
    const forge = openFormerForge(first, system, await importUser(first))
    await first.rows(sql`delete from annul.users where id = ${forge.userId}`)
    expect(await reasonOf(second, forge.make())).toBe(invalid)
  })
})

describe('a request with a token of the former system', () => {
  let forge: FormerForge
  beforeAll(async () => {
    forge = openFormerForge(first, system, await importUser(first))
  })

  it('is logged with the id of the user, and without the token', async () => {
    lines.length = 0
    await forge.present(forge.make())
    expect(lines).toMatchObject([{ msg: 'request', userId: forge.userId, status: 200 }])
  })

  it('is never given a renewed token', async () => {
    const now = first.auth.parts.clock.now()
    // In its last third, as one of Annul's own must be.
    const token = forge.make({ claims: { exp: now + 100 } })
    const response = await fetch(`${first.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        'annul-renew': 'a'.repeat(43),
      },
      body: JSON.stringify({ query: '{ me { id } }' }),
    })
    expect(await response.json()).toEqual({ data: { me: { id: forge.userId } } })
  })

  it('is counted as decided by the strict path, with one read for all that come at once', async () => {
    const { registry } = first.auth.parts.metrics
    const counted = async () =>
      Number(
        /annul_decisions_total\{path="strict",outcome="accepted"\} (\d+)/.exec(
          await registry.metrics(),
        )?.[1] ?? 0,
      )
    const before = await counted()
    await Promise.all(Array.from({ length: 10 }, () => forge.present(forge.make())))
    expect((await counted()) - before).toBe(10)
  })

  it('sees the claims of Annul’s own making in the context, and no session', async () => {
    const token = forge.make({ claims: { tenant: 'x', jti: 'former', exp: forge.claims.exp } })
    const { auth } = first.auth.context(
      { headers: { authorization: `Bearer ${token}` } },
      { appendHeader: () => {} },
    )
    const viewer = await auth.viewerOrNull()
    expect(viewer).toMatchObject({ userId: forge.userId, sessionId: null, roles: [], scopes: [] })
    expect(Object.isFrozen(viewer?.claims) && Object.isFrozen(viewer?.roles)).toBe(true)
    const iat = Number(forge.claims.iat)
    expect(viewer?.claims).toEqual({
      iss: 'https://former.example.com',
      sub: forge.userId,
      aud: 'shop',
      client_id: 'shop',
      exp: iat + hour + 7 * day,
      iat,
      jti: '',
      sid: null,
      ver: 1,
      epoch: expect.any(Number),
      roles: [],
      scope: '',
      auth_time: iat,
    })
  })

  it('is refused as any other where the token is broken', async () => {
    expect(await forge.present(`${forge.make()}x`)).toEqual(refusal())
  })
})
