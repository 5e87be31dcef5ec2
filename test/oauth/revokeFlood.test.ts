import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { makeService, post, refused, revoke, revokeSubject } from './support.ts'

/* Revocations wait: for locks, and for all nodes. A stolen secret must not take all places with them. */

// The embedded database carries out one transaction at a time.
const describePostgres = onPostgres ? describe : describe.skip

describePostgres('A flood of revocations by one service', () => {
  const server = useServer({ config: { maxInFlight: 4 } })

  it.each(['of users', 'of tokens'])('%s leaves half of the places to others', async what => {
    const { userId, accessToken, session } = await server.signUp()
    const bystander = await server.signUp()
    const [stolen, other] = [await makeService(server, 'revoke'), await makeService(server, 'revoke')]
    const ask =
      what === 'of users'
        ? () => revokeSubject(server, stolen, { sub_id: { format: 'opaque', id: userId } })
        : () => revoke(server, stolen, accessToken)
    let release = () => {}
    const released = new Promise<void>(resolve => (release = resolve))
    let isHeld = false
    const holder = server.auth.parts.db.transaction(async tx => {
      await tx.execute(sql`select 1 from annul.users where id = ${userId} for update`)
      await tx.execute(sql`select 1 from annul.sessions where id = ${session.id} for update`)
      isHeld = true
      await released
    })
    await until(() => isHeld)
    let answered = 0
    const waiting = [ask(), ask(), ask()].map(async sent => {
      const answer = await sent
      answered++
      return answer
    })
    await until(() => answered > 0)
    // The other places are free.
    expect((await server.send('{ me { id } }', { token: bystander.accessToken })).status).toBe(200)
    const done = await revoke(server, other, bystander.accessToken)
    expect(done.status).toBe(200)
    expect((await post(server, '/oauth/revoke', { token: bystander.refreshToken })).status).toBe(200)
    expect(answered).toBe(1)
    release()
    await holder
    const answers = await Promise.all(waiting)
    const [flooded, ...others] = answers.sort((one, two) => two.status - one.status)
    expect(flooded).toMatchObject(refused(429, 'temporarily_unavailable'))
    expect(flooded?.headers.get('retry-after')).toBe('1')
    for (const { status } of others) expect([200, 204]).toContain(status)
  })
})
