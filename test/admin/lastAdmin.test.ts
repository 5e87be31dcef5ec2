import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { type Device, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
afterEach(() => server.rows(sql`update annul.users set roles = '{}'`))

const takingAway: Record<string, (id: string) => string> = {
  blockUser: id => `mutation { blockUser(id: "${id}") { id } }`,
  setUserAccess: id => `mutation { setUserAccess(id: "${id}", roles: ["editor"]) { id } }`,
  deleteUser: id => `mutation { deleteUser(id: "${id}") }`,
}
const names = Object.keys(takingAway)
const run = (name: string, by: Device, of: Device) =>
  server.send(takingAway[name]?.(of.userId) ?? '', { token: by.accessToken })
const adminsLeft = async () =>
  (await server.rows(sql`select 1 from annul.users where 'admin' = any (roles) and status = 'ACTIVE'`)).length

describe('the last active admin', () => {
  it.each(names)('can not be taken away by %s, and everything stays', async name => {
    const admin = await openAdmin(server)
    const { errors } = await run(name, admin, admin)
    const argument = name === 'setUserAccess' ? 'roles' : 'id'
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', reason: 'LAST_ADMIN', argument })
    expect(errors?.[0]?.message).toBe('This is the last admin who can sign in. Make another one first.')
    expect(await adminsLeft()).toBe(1)
    expect(await server.send('{ me { id } }', { token: admin.accessToken })).toMatchObject({ status: 200 })
  })

  it('does not count admins who are blocked or deleted', async () => {
    const [admin, blocked, deleted] = [
      await openAdmin(server),
      await openAdmin(server),
      await openAdmin(server),
    ]
    expect(await run('blockUser', admin, blocked)).toMatchObject({ errors: undefined })
    expect(await run('deleteUser', admin, deleted)).toMatchObject({ errors: undefined })
    expect(await run('setUserAccess', admin, admin)).toMatchObject({ reason: 'LAST_ADMIN' })
  })

  it('may get other roles, as long as admin is one of them', async () => {
    const admin = await openAdmin(server)
    const query = `mutation { setUserAccess(id: "${admin.userId}", roles: ["admin", "editor"]) { id } }`
    expect(await server.send(query, { token: admin.accessToken })).toMatchObject({ errors: undefined })
  })
})

describe('two admins', () => {
  it.each(names)('can be one less by %s, of another or of oneself', async name => {
    const [one, other, third] = [await openAdmin(server), await openAdmin(server), await openAdmin(server)]
    expect(await run(name, one, other)).toMatchObject({ errors: undefined })
    expect(await run(name, one, one)).toMatchObject({ errors: undefined })
    expect(await adminsLeft()).toBe(1)
    expect(await run(name, third, third)).toMatchObject({ reason: 'LAST_ADMIN' })
  })

  it.each(names.flatMap(name => [[name, 'each other'] as const, [name, 'themselves'] as const]))(
    'who use %s on %s at once leave one, in each of 10 rounds',
    async (name, whom) => {
      for (let round = 0; round < 10; round++) {
        const admins = [await openAdmin(server), await openAdmin(server)] as const
        const [one, other] = admins
        const targets = whom === 'themselves' ? admins : ([other, one] as const)
        const answers = await Promise.all([run(name, one, targets[0]), run(name, other, targets[1])])
        expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1)
        expect(answers.flatMap(({ reason }) => reason ?? []).join()).toMatch(
          /^(LAST_ADMIN|USER_BLOCKED|ACCESS_CHANGED|USER_DELETED)$/,
        )
        expect(await adminsLeft()).toBe(1)
        await server.rows(sql`update annul.users set roles = '{}'`)
      }
    },
  )
})
