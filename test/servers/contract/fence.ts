import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { onPostgres } from '../../support/database.ts'
import { until } from '../../support/until.ts'
import type { Notes } from './app.ts'
import type { ContractServer } from './server.ts'

// An app's own tables stand in PostgreSQL: nobody else reaches the embedded database.
const describePostgres = onPostgres ? describe : describe.skip

/** An app's own transaction behind `context.auth.fence(tx)`. */
export function fenceCases(server: ContractServer): void {
  describePostgres('a transaction of the app', () => {
    let notes: Notes
    beforeAll(async () => {
      notes = await server.app.openNotes(String(server.settings.databaseUrl))
    })
    afterAll(() => notes.close())

    it.each(['DRIZZLE', 'POSTGRES'])('by %s writes behind its fence, and not after a kill', async client => {
      const ada = await server.signUp()
      const write = (text: string) =>
        server.send(`mutation { write(text: "${text}", by: ${client}) }`, { token: ada.accessToken })
      expect((await write('first')).data).toEqual({ write: true })

      // The second one has passed its @auth, and has not begun its transaction, when the token dies.
      const gate = server.app.hold()
      const late = write('second')
      await until(() => gate.isReached)
      expect((await server.send('mutation { logout }', { token: ada.accessToken })).data).toEqual({
        logout: true,
      })
      gate.release()
      expect(await late).toMatchObject({
        status: 401,
        data: { write: null },
        code: 'UNAUTHENTICATED',
        reason: 'LOGGED_OUT',
      })
      expect(await notes.of(ada.userId)).toEqual(['first'])
    })
  })
}
