import { randomBytes } from 'node:crypto'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { describe, expect, it } from '@jest/globals'
import { GraphQLError } from 'graphql'
import { createAuth } from '../../src/auth.ts'
import { refusalOf } from '../../src/graphql/refusal.ts'
import type { GraphQLContext } from '../../src/request/context.ts'
import { createDatabase } from '../support/database.ts'
import { useFixture } from '../support/useFixture.ts'

describe('the challenge of a 401', () => {
  it('holds nothing that a header may not hold, whatever an app says', () => {
    const message = 'Доступ “denied”: "x\\y" …\r\nset-cookie: a=b'
    const refusal = refusalOf(null, [{ message, extensions: { code: 'UNAUTHENTICATED' } }])
    const [, value] = refusal?.header ?? []
    expect(value).toBe(
      'Bearer realm="annul", error="invalid_token", error_description=" denied: xy set-cookie: a=b"',
    )
    expect(() => new Headers([['www-authenticate', String(value)]])).not.toThrow()
  })
})

describe('an Apollo Server that allows batches', () => {
  const server = useFixture(async () => {
    const { env } = await createDatabase()
    const config = {
      secret: randomBytes(32),
      ...('DATABASE_URL' in env && { databaseUrl: String(env.DATABASE_URL) }),
    }
    const dataDir = 'ANNUL_DATA_DIR' in env ? { dataDir: String(env.ANNUL_DATA_DIR) } : {}
    const auth = await createAuth({ ...config, ...dataDir })
    const resolvers = {
      Query: {
        open: () => 1,
        denied() {
          throw new GraphQLError('Nein, für Dich nicht…', { extensions: { code: 'UNAUTHENTICATED' } })
        },
      },
    }
    const schema = auth.schema({ typeDefs: 'extend type Query { open: Int denied: Int }', resolvers })
    const apollo = new ApolloServer<GraphQLContext>({
      schema,
      ...auth.apollo(),
      allowBatchedHttpRequests: true,
      stopOnTerminationSignals: false,
    })
    const { url } = await startStandaloneServer(apollo, { context: auth.context, listen: { port: 0 } })
    return {
      url,
      async close() {
        await apollo.stop()
        await auth.close()
      },
    }
  })
  const post = (body: unknown) =>
    fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('carries none out, because its operations would share one decision', async () => {
    const answer = await post([{ query: '{ open }' }, { query: '{ me { id } }' }])
    const each = { errors: [{ message: expect.any(String), extensions: { code: 'BAD_REQUEST' } }] }
    expect(await answer.json()).toMatchObject([each, each])
  })

  it('answers one operation as ever, also where an app refuses in its own language', async () => {
    expect(await (await post({ query: '{ open }' })).json()).toEqual({ data: { open: 1 } })
    const answer = await post({ query: '{ denied }' })
    expect(answer.status).toBe(401)
    expect((await answer.json()).errors[0].message).toBe('Nein, für Dich nicht…')
  })
})
