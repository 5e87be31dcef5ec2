import { describe, expect, test } from '@jest/globals'
import { Client, cacheExchange, fetchExchange } from '@urql/core'
import { sessionExchange } from '../../src/client/urql.ts'
import { createNetwork, openSession, outdate, useClientServer } from './support.ts'

const server = useClientServer()

describe('urql', () => {
  test('sends the token, repeats what was refused for it, and tells of the end', async () => {
    const account = await server.signUp()
    const network = createNetwork()
    const session = openSession({ endpoint: server.endpoint, storage: new Map(), fetch: network.fetch })
    await session.login(account)
    const client = new Client({
      url: server.endpoint,
      preferGetMethod: false,
      exchanges: [cacheExchange, sessionExchange(session), fetchExchange],
    })
    await expect(client.query('{ secret }', {}).toPromise()).resolves.toMatchObject({
      data: { secret: 'secret' },
    })

    await outdate(server, session, account)
    const results = await Promise.all([1, 2, 3].map(i => client.query(`{ q${i}: secret }`, {}).toPromise()))
    expect(results.map(({ data }) => data)).toEqual([{ q1: 'secret' }, { q2: 'secret' }, { q3: 'secret' }])
    expect(network.sentWith('refresh(')).toHaveLength(1)

    await client.mutation('mutation { revokeSessions }', {}).toPromise()
    const { error } = await client.query('{ last: secret }', {}).toPromise()
    expect(error?.graphQLErrors[0]?.extensions).toMatchObject({
      reason: 'SESSIONS_REVOKED',
      recover: 'LOGIN',
    })
    expect(session.state).toMatchObject({ status: 'signedOut', reason: 'SESSIONS_REVOKED' })
  })
})
