import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must, refusal, refused } from '../support/answers.ts'
import { type Device, deviceOf, openAdmin, openMfaAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'
import {
  accessAnswer,
  presentAccessToken,
  presentRefreshToken,
  refusedAccess,
} from '../support/tokenAnswers.ts'

const server = useServer()
let admin: Device
beforeAll(async () => {
  admin = await openMfaAdmin(server)
})

/** What only admins may do, to the user of an id. */
const operations: [name: string, (id: string) => string][] = [
  ['blockUser', id => `mutation { blockUser(id: "${id}", reason: "spam") { id email } }`],
  ['unblockUser', id => `mutation { unblockUser(id: "${id}") { id email } }`],
  ['setUserAccess', id => `mutation { setUserAccess(id: "${id}", roles: ["admin"]) { id email } }`],
  ['revokeUserSessions', id => `mutation { revokeUserSessions(id: "${id}") { id email } }`],
  ['resetFactors', id => `mutation { resetFactors(id: "${id}") { id email } }`],
  ['deleteUser', id => `mutation { deleteUser(id: "${id}") }`],
]
const others: typeof operations = [
  ['revokeEverything', () => 'mutation { revokeEverything }'],
  ['users', () => '{ users { edges { node { id email } } } }'],
  ['revocationLog', () => '{ revocationLog { size } }'],
  ['signingKeys', () => '{ signingKeys { id } }'],
  ['auditEvents', () => '{ auditEvents { edges { node { id kind } } } }'],
]

describe('What only an admin may do', () => {
  it.each([...operations, ...others])(
    '%s is forbidden to others, whatever the id, and does nothing',
    async (_, operation) => {
      const [viewer, other] = [deviceOf(await server.signUp()), deviceOf(await server.signUp())]
      const before = await state()
      for (const id of [viewer.userId, other.userId, admin.userId, randomUUID(), 'no id', ''])
        expect(refusal(await server.send(operation(id), { token: viewer.accessToken }))).toEqual(
          refused({ code: 'FORBIDDEN', required: { roles: ['admin'] } }),
        )
      expect(await state()).toEqual(before)
    },
  )

  it.each([...operations, ...others])('%s wants a token', async (_, operation) => {
    const before = await state()
    expect(refusal(await server.send(operation(admin.userId)))).toEqual(
      refused({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }, 401),
    )
    expect(await state()).toEqual(before)
  })

  it.each(operations)('%s tells an admin that there is no such user', async (_, operation) => {
    const gone = await server.signUp()
    must(await server.send(`mutation { deleteUser(id: "${gone.userId}") }`, { token: admin.accessToken }))
    const before = await state()
    for (const id of [randomUUID(), gone.userId])
      expect(refusal(await server.send(operation(id), { token: admin.accessToken }))).toEqual(
        refused({ code: 'NOT_FOUND' }),
      )
    expect(await state()).toEqual(before)
  })

  it.each(operations)('%s refuses what is no id', async (_, operation) => {
    for (const id of ['', 'x', `${admin.userId}0`, `%${admin.userId.slice(1)}`])
      expect(refusal(await server.send(operation(id), { token: admin.accessToken }))).toEqual(
        refused({ code: 'BAD_USER_INPUT', reason: 'ID_INVALID', argument: 'id' }),
      )
  })

  it('is over with the role: its access token is refused, and the next one no longer does it (ASVS 5.0 8.4.2)', async () => {
    const former = await openAdmin(server)
    const list = '{ users { edges { node { id } } } }'
    must(await server.send(list, { token: former.accessToken }))
    const demote = `mutation { setUserAccess(id: "${former.userId}", roles: ["support"]) { id } }`
    must(await server.send(demote, { token: admin.accessToken }))
    expect(await presentAccessToken(server, former.accessToken)).toEqual(refusedAccess('ACCESS_CHANGED'))
    await presentRefreshToken(server, former)
    expect(await presentAccessToken(server, former.accessToken)).toEqual(accessAnswer('works', former.userId))
    const answer = await server.send(list, { token: former.accessToken })
    expect(refusal(answer)).toEqual(refused({ code: 'FORBIDDEN', required: { roles: ['admin'] } }))
  })

  it('needs exactly that role', async () => {
    const almost = deviceOf(await server.signUp())
    await server.rows(
      sql`update annul.users set roles = '{Admin,administrator,admin2}', scopes = '{admin}' where id = ${almost.userId}`,
    )
    await presentRefreshToken(server, almost)
    const answer = await server.send('mutation { revokeEverything }', { token: almost.accessToken })
    expect(refusal(answer)).toEqual(refused({ code: 'FORBIDDEN', required: { roles: ['admin'] } }))
  })

  /** All that an operation could have changed. */
  const state = () => server.rows(sql`select * from annul.users order by id`)
})
