import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { openAdmin } from '../support/devices.ts'
import { importUser, openFormerForge, openFormerSystem } from '../support/formerSystem.ts'
import { useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* An app's own transaction for a viewer with a token of a former system. */

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('the fence of a viewer without a session', () => {
  const server = useServer()
  const other = useSecondNode(server)
  const system = openFormerSystem('ES256')
  let client: postgres.Sql
  beforeAll(() => {
    server.auth.accept(system.options)
    client = postgres(server.env.DATABASE_URL ?? '', { max: 2, onnotice: () => {} })
  })
  afterAll(() => client.end())

  const contextOf = (token: string) =>
    server.auth.context({ headers: { authorization: `Bearer ${token}` } }, { appendHeader: () => {} })
  const versionOf = async (id: string) => {
    const [row] = await server.rows<{ version: number }>(
      sql`select token_version as version from annul.users where id = ${id}`,
    )
    return row?.version
  }

  it('gives the viewer, and a kill waits until the transaction has ended', async () => {
    const userId = await importUser(server, ['editor'])
    const { auth } = contextOf(openFormerForge(server, system, userId).make())
    const admin = await openAdmin(other)
    let block: Promise<unknown> | undefined
    let answered = false
    await client.begin(async tx => {
      expect(await auth.fence(tx)).toMatchObject({ userId, sessionId: null, roles: ['editor'] })
      block = other
        .send(`mutation { blockUser(id: "${userId}") { id } }`, { token: admin.accessToken })
        .then(must)
      void block.then(() => {
        answered = true
      })
      await until(async () => (await versionOf(userId)) === 2)
      await delay(200)
      expect(answered).toBe(false)
    })
    expect(await block).toEqual({ blockUser: { id: userId } })
    // The context has decided before: the fence asks the rows.
    await expect(client.begin(tx => auth.fence(tx))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'USER_BLOCKED',
    })
  })

  it.each<[string, (userId: string) => Promise<unknown>, string]>([
    [
      'everything was revoked',
      async () =>
        must(
          await other.send('mutation { revokeEverything }', { token: (await openAdmin(other)).accessToken }),
        ),
      'EVERYTHING_REVOKED',
    ],
    [
      'a role was taken away by hand',
      id => server.rows(sql`update annul.users set roles = '{}' where id = ${id}`),
      'ACCESS_CHANGED',
    ],
    [
      'the user was blocked by hand',
      id => server.rows(sql`update annul.users set status = 'BLOCKED' where id = ${id}`),
      'USER_BLOCKED',
    ],
    ['the user is gone', id => server.rows(sql`delete from annul.users where id = ${id}`), 'USER_DELETED'],
  ])('refuses when %s since the decision', async (_, change, reason) => {
    const userId = await importUser(server, ['editor'])
    const { auth } = contextOf(openFormerForge(server, system, userId).make())
    await client.begin(tx => auth.fence(tx))
    await change(userId)
    await expect(client.begin(tx => auth.fence(tx))).rejects.toMatchObject({ reason })
  })

  it('lets the user’s other sessions end without waiting', async () => {
    const account = await server.signUp()
    const { auth } = contextOf(openFormerForge(server, system, account.userId).make())
    await client.begin(async tx => {
      await auth.fence(tx)
      expect(must(await other.send('mutation { logout }', { token: account.accessToken }))).toEqual({
        logout: true,
      })
    })
  })
})
