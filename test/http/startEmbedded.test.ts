import { describe, expect, it } from '@jest/globals'
import { annul, newSecret, startNode } from '../support/command.ts'
import { createDatabase, onPostgres } from '../support/database.ts'

// What serves one process is the embedded database.
const onlyEmbedded = onPostgres ? it.skip : it
const me = '{ me { id } }'

describe('a second process on one embedded database', () => {
  onlyEmbedded('is refused in one sentence; the first goes on, and its data is unharmed', async () => {
    const { env } = await createDatabase()
    const first = await startNode(env)
    const account = await first.signUp()

    expect(await annul(['serve'], { PORT: '0', ...env })).toEqual({
      status: 1,
      stdout: '',
      stderr: `Another process uses the embedded database in ${env.ANNUL_DATA_DIR}. It serves one process: stop that one, or set DATABASE_URL to a PostgreSQL server.\n`,
    })
    const answer = await first.send(me, { token: account.accessToken })
    expect(answer.data).toEqual({ me: { id: account.userId } })
    const later = await first.signUp()
    expect((await first.stop()).status).toBe(0)

    const second = await startNode(env)
    for (const known of [account, later]) {
      expect((await second.login(known)).user.id).toBe(known.userId)
      const kept = await second.send(me, { token: known.accessToken })
      expect(kept.data).toEqual({ me: { id: known.userId } })
    }
    await second.stop()
  })

  onlyEmbedded(
    'takes the place of one that was killed at once, with all that it had acknowledged',
    async () => {
      const { env } = await createDatabase()
      const settings = { ANNUL_SECRET: newSecret(), ...env }
      const killed = await startNode(settings)
      const account = await killed.signUp()
      const revoked = await killed.send('mutation { revokeSessions }', { token: account.accessToken })
      expect(revoked.data).toEqual({ revokeSessions: true })
      const later = await killed.login(account)
      expect((await killed.stop('SIGKILL')).status).toBeNull()

      const next = await startNode(settings)
      const kept = await next.send(me, { token: later.accessToken })
      expect(kept.data).toEqual({ me: { id: account.userId } })
      const refused = await next.send(me, { token: account.accessToken })
      expect(refused).toMatchObject({ status: 401, data: null })
      expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SESSIONS_REVOKED' })
      await next.stop()
    },
  )
})
