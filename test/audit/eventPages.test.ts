import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must, refusal, refused } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { type Device, deviceOf, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
let admin: Device
let owner: Account & TokensAnswer & Device
beforeAll(async () => {
  admin = await openAdmin(server)
  const account = await server.signUp()
  owner = { ...account, ...deviceOf(account) }
})

interface Event {
  readonly id: string
  readonly kind: string
  readonly detail: string | null
}
interface Page {
  readonly edges: { readonly cursor: string; readonly node: Event }[]
  readonly pageInfo: object
}
const fields = `edges { cursor node { id at kind userId actorId sessionId ipAddress detail } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`
const allQuery = `query ($userId: ID, $kind: String, $first: Int! = 50, $after: String) {
  auditEvents(userId: $userId, kind: $kind, first: $first, after: $after) { ${fields} } }`
const ownQuery = `query ($first: Int! = 50, $after: String) { myEvents(first: $first, after: $after) { ${fields} } }`

const askAll = (variables: Record<string, unknown>, token = admin.accessToken) =>
  server.send<{ auditEvents: Page }>(allQuery, { variables, token })
const askOwn = (variables: Record<string, unknown>, token = owner.accessToken) =>
  server.send<{ myEvents: Page }>(ownQuery, { variables, token })
const all = async (variables: Record<string, unknown>) => must(await askAll(variables)).auditEvents
const own = async (variables: Record<string, unknown>, token?: string) =>
  must(await askOwn(variables, token)).myEvents
const detailsOf = ({ edges }: Page) => edges.map(({ node }) => node.detail)

const append = (details: readonly string[], userId: string | null = null, kind = 'login') =>
  server.rows(sql`insert into annul.audit_events (kind, user_id, detail)
    select ${kind}, ${userId}::uuid, d from unnest(${`{${details.join()}}`}::text::text[]) d`)

describe('auditEvents', () => {
  it('come a page at a time, the newest first, each once', async () => {
    const userId = randomUUID()
    await append(['a', 'b', 'c', 'd', 'e'], userId)
    const pages: Page[] = []
    let after: string | undefined
    do {
      const page: Page = await all({ userId, first: 2, after })
      pages.push(page)
      after = page.edges.at(-1)?.cursor
    } while (after)
    expect(pages.map(detailsOf)).toEqual([['e', 'd'], ['c', 'b'], ['a'], []])
    expect(pages.map(({ pageInfo }) => pageInfo)).toEqual(
      pages.map(({ edges }, index) => ({
        hasNextPage: index < 2,
        hasPreviousPage: index > 0,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      })),
    )
  })

  it('go on from the cursor of any event, and leave out what is newer than the first page', async () => {
    const userId = randomUUID()
    await append(['a', 'b', 'c', 'd'], userId)
    const { edges } = await all({ userId })
    await append(['new'], userId)
    expect(detailsOf(await all({ userId, after: edges[1]?.cursor }))).toEqual(['b', 'a'])
    expect(detailsOf(await all({ userId }))).toEqual(['new', 'd', 'c', 'b', 'a'])
  })

  it('are those of one user, of one kind, or of both', async () => {
    const [one, other, kind] = [randomUUID(), randomUUID(), `kind-${randomUUID()}`]
    await append(['one'], one)
    await append(['one of the kind'], one, kind)
    await append(['other of the kind'], other, kind)
    expect(detailsOf(await all({ userId: one }))).toEqual(['one of the kind', 'one'])
    expect(detailsOf(await all({ kind }))).toEqual(['other of the kind', 'one of the kind'])
    expect(detailsOf(await all({ kind, userId: one.toUpperCase() }))).toEqual(['one of the kind'])
    expect(detailsOf(await all({ kind, userId: randomUUID() }))).toEqual([])
  })

  it('tell all of an event', async () => {
    const { userId, sessionId } = owner
    const { edges } = await all({ userId, kind: 'register' })
    expect(edges.map(({ node }) => node)).toEqual([
      {
        ...{ id: expect.stringMatching(/^\d+$/), at: expect.stringMatching(/^\d{4}-.*Z$/), kind: 'register' },
        ...{ userId, actorId: userId, sessionId, ipAddress: '127.0.0.1', detail: null },
      },
    ])
  })

  it('are for admins only', async () => {
    expect(refusal(await askAll({}, owner.accessToken))).toEqual(
      refused({ code: 'FORBIDDEN', required: { roles: ['admin'] } }),
    )
    expect((await server.send('{ auditEvents { edges { cursor } } }')).code).toBe('UNAUTHENTICATED')
  })

  it.each([
    [{ first: 0 }, 'first', 'FIRST_OUT_OF_RANGE'],
    [{ first: 201 }, 'first', 'FIRST_OUT_OF_RANGE'],
    [{ userId: 'x' }, 'userId', 'ID_INVALID'],
    [{ kind: 'x'.repeat(101) }, 'kind', 'TEXT_TOO_LONG'],
    [{ kind: 'a\u0000' }, 'kind', 'TEXT_CHARACTERS'],
    [{ after: '' }, 'after', 'CURSOR_INVALID'],
    [{ after: 'nonsense' }, 'after', 'CURSOR_INVALID'],
    [{ after: 'x'.repeat(50_000) }, 'after', 'CURSOR_INVALID'],
    [{ after: Buffer.from('1 1:1: 1 1').toString('base64url') }, 'after', 'CURSOR_INVALID'],
  ])('refuse %#', async (variables, argument, reason) => {
    expect(refusal(await askAll(variables))).toEqual(refused({ code: 'BAD_USER_INPUT', reason, argument }))
  })

  it('may be 200 at once', async () => {
    await append(Array.from({ length: 201 }, (_, index) => String(index)))
    expect((await all({ first: 200 })).edges).toHaveLength(200)
  })
})

describe('a cursor', () => {
  const invalid = refused({ code: 'BAD_USER_INPUT', reason: 'CURSOR_INVALID', argument: 'after' })
  const newCursor = async (variables: Record<string, unknown>) => {
    const [first] = (await all(variables)).edges
    return first?.cursor ?? ''
  }

  it('that was changed in any place is refused', async () => {
    const cursor = await newCursor({})
    expect(refusal(await askAll({ after: cursor }))).toMatchObject({ errors: undefined })
    const bytes = Buffer.from(cursor, 'base64url')
    for (let index = 0; index < bytes.length; index++) {
      const forged = Buffer.from(bytes)
      forged.writeUInt8(forged.readUInt8(index) ^ 1, index)
      expect(refusal(await askAll({ after: forged.toString('base64url') }))).toEqual(invalid)
    }
    for (const after of [`${cursor}=`, `${cursor}A`, ` ${cursor}`, cursor.slice(0, -1), cursor.slice(0, 20)])
      expect(refusal(await askAll({ after }))).toEqual(invalid)
  })

  it('of another list, another filter or another account is refused', async () => {
    const { userId } = owner
    const ofAll = await newCursor({})
    const ofUser = await newCursor({ userId })
    const [mine] = (await own({})).edges
    const users = must(
      await server.send<{ users: Page }>('{ users(first: 1) { edges { cursor } } }', {
        token: admin.accessToken,
      }),
    ).users.edges[0]?.cursor
    for (const after of [ofUser, mine?.cursor, users])
      expect(refusal(await askAll({ after }))).toEqual(invalid)
    expect(refusal(await askAll({ after: ofUser, userId, kind: 'login' }))).toEqual(invalid)
    expect(refusal(await askAll({ after: mine?.cursor, userId }))).toEqual(invalid)
    for (const after of [ofAll, ofUser]) expect(refusal(await askOwn({ after }))).toEqual(invalid)
    expect(refusal(await askOwn({ after: mine?.cursor }, admin.accessToken))).toEqual(invalid)
  })
})

describe('myEvents', () => {
  it('are the events of the viewer’s account, and of no other', async () => {
    const account = await server.signUp()
    const other = await server.signUp()
    await expect(server.login({ ...account, password: 'not the password' })).rejects.toThrow()
    await server.login(account)
    const { userId, sessionId } = deviceOf(account)
    const { edges } = await own({}, account.accessToken)
    expect(edges.map(({ node }) => node)).toEqual([
      expect.objectContaining({ kind: 'login', userId, actorId: userId, ipAddress: '127.0.0.1' }),
      expect.objectContaining({ kind: 'login-failed', userId, actorId: null, detail: 'wrong password' }),
      expect.objectContaining({ kind: 'register', userId, sessionId, ipAddress: '127.0.0.1' }),
    ])
    expect(JSON.stringify(edges)).not.toContain(deviceOf(other).userId)
  })

  it('hold no event that the viewer did to another account', async () => {
    const target = await server.signUp()
    const device = deviceOf(await server.signUp())
    const doer = await openAdmin(server)
    must(
      await server.send(`mutation { revokeUserSessions(id: "${device.userId}") { id } }`, {
        token: doer.accessToken,
      }),
    )
    expect(JSON.stringify(await own({}, doer.accessToken))).not.toContain('revoke-user-sessions')
    expect(JSON.stringify(await own({}, target.accessToken))).not.toContain(device.userId)
  })

  it('show of what an admin did neither the admin’s address nor session nor words', async () => {
    const account = await server.signUp()
    const { userId } = deviceOf(account)
    for (const field of [
      `blockUser(id: "${userId}", reason: "asked by K.") { id }`,
      `unblockUser(id: "${userId}") { id }`,
    ])
      must(await server.send(`mutation { ${field} }`, { token: admin.accessToken }))
    const { accessToken } = await server.login(account)
    const { edges } = await own({}, accessToken)
    const hidden = { userId, actorId: admin.userId, sessionId: null, ipAddress: null, detail: null }
    expect(edges.slice(1, 3).map(({ node }) => node)).toEqual([
      expect.objectContaining({ kind: 'unblock-user', ...hidden }),
      expect.objectContaining({ kind: 'block-user', ...hidden }),
    ])
    // Admins see everything.
    const [seen] = (await all({ userId, kind: 'block-user' })).edges
    expect(seen?.node).toMatchObject({
      ...{ actorId: admin.userId, sessionId: admin.sessionId, ipAddress: '127.0.0.1' },
      detail: 'asked by K.',
    })
  })

  it('come a page at a time', async () => {
    const account = await server.signUp()
    await append(['a', 'b', 'c'], deviceOf(account).userId)
    const first = await own({ first: 2 }, account.accessToken)
    const second = await own({ first: 2, after: first.edges[1]?.cursor }, account.accessToken)
    expect([first, second].map(detailsOf)).toEqual([
      ['c', 'b'],
      ['a', null],
    ])
    expect(refusal(await askOwn({ first: 0 }))).toEqual(
      refused({ code: 'BAD_USER_INPUT', reason: 'FIRST_OUT_OF_RANGE', argument: 'first' }),
    )
  })

  it('are for who is signed in', async () => {
    expect((await server.send('{ myEvents { edges { cursor } } }')).code).toBe('UNAUTHENTICATED')
  })
})
