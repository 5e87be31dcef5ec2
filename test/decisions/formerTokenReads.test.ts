import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { onPostgres } from '../support/database.ts'
import { type FormerForge, importUser, openFormerForge, openFormerSystem } from '../support/formerSystem.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.js'
import { type TestServer, useServer } from '../support/server.ts'
import { createLoggedDatabase, type LoggedDatabase } from '../support/statements.ts'
import { until } from '../support/until.ts'

/* What a decision about a former system's token asks of the primary, and what it says while the primary is away. */

const describePostgres = onPostgres ? describe : describe.skip
const system = openFormerSystem('ES256')

const decide = (server: TestServer, token: string) =>
  server.auth
    .context({ headers: { authorization: `Bearer ${token}` } }, { appendHeader: () => {} })
    .auth.viewerOrNull()

describePostgres.each(['view', 'strict'])(
  'a node that decides by %s about tokens of a former system',
  mode => {
    let database: LoggedDatabase
    const server = useServer(async () => {
      database = await createLoggedDatabase()
      return { database, env: { ANNUL_REVOCATION: mode } }
    })
    afterAll(() => database.close())

    it('asks one statement for all that come at once, and keeps no answer', async () => {
      server.auth.accept(system.options)
      const forges = await Promise.all(
        Array.from({ length: 5 }, async () => openFormerForge(server, system, await importUser(server))),
      )
      const own = await server.signUp()
      await until(() => server.auth.parts.revocation.isFresh())
      await database.statements()
      for (let round = 0; round < 2; round++) {
        const tokens = [own.accessToken, ...forges.map(forge => forge.make())]
        const viewers = await Promise.all(tokens.map(token => decide(server, token)))
        expect(viewers.map(viewer => viewer?.userId)).toEqual([
          own.userId,
          ...forges.map(({ userId }) => userId),
        ])
        const sent = await database.statements()
        expect(sent.filter(statement => statement.includes('from unnest'))).toHaveLength(1)
      }
      // Where the view decides, one of Annul's own asks nothing, former systems or not.
      await decide(server, own.accessToken)
      const sent = await database.statements()
      expect(sent.filter(statement => statement.includes('from unnest'))).toHaveLength(
        mode === 'view' ? 0 : 1,
      )
    })
  },
)

describePostgres.each(['view', 'strict'])('while PostgreSQL is stopped, a node that decides by %s', mode => {
  let postgres: TestPostgres
  let forge: FormerForge
  const server = useServer(async () => {
    postgres = await startPostgres()
    await postgres.createDatabase('outage')
    const env = { DATABASE_URL: postgres.urlOf('outage'), ANNUL_REVOCATION: mode }
    return { database: { env } }
  })
  beforeAll(async () => {
    server.auth.accept(system.options)
    forge = openFormerForge(server, system, await importUser(server))
    expect(await forge.present(forge.make())).toEqual(forge.accepted)
    await postgres.halt()
  })
  afterAll(() => postgres.stop())

  it('answers at once with UNAVAILABLE and 503: it lets nobody in, and signs nobody out', async () => {
    for (let round = 0; round < 2; round++)
      expect(await forge.present(forge.make())).toMatchObject({
        status: 503,
        data: null,
        errors: [{ extensions: { code: 'UNAVAILABLE', retryAfter: 1, recover: 'RETRY' } }],
        challenge: null,
      })
    // What the token alone says is said all the same.
    const expired = await forge.present(forge.make({ claims: { exp: 1 } }))
    expect(expired).toMatchObject({ status: 401, errors: [{ extensions: { reason: 'TOKEN_EXPIRED' } }] })
  })
})
