import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Verifier } from '../../src/verify/index.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.js'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { openVerifier, verdictOf } from '../support/verifier.ts'

/* What goes wrong around a verifier: its database (which it does not have), its node, and both. */

// The embedded database has one node.
const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a verifier of two nodes', () => {
  let postgres: TestPostgres
  let nodes: TestServer[] = []
  let verifier: Verifier
  const start = () =>
    startTestServer({
      database: { env: { DATABASE_URL: postgres.urlOf('fleet') } },
      env: { ...nodes[0]?.env, ANNUL_LEASE_MS: '3000' },
    })
  const decide = async (token: string) => verdictOf(await verifier.decide(token))
  /** The nodes that the verifier follows. */
  const followed = () => nodes.filter(({ auth }) => auth.parts.revocation.feed.list().length > 0)

  beforeAll(async () => {
    postgres = await startPostgres()
    await postgres.createDatabase('fleet')
    nodes = [await start()]
    nodes.push(await start())
    verifier = await openVerifier(nodes)
  }, 60_000)
  afterAll(async () => {
    await verifier.close()
    await Promise.all(nodes.map(node => node.close()))
    await postgres.stop()
  }, 60_000)

  it('moves to the other node before its own stops: it is fresh all the time, and the stop waits for no lease', async () => {
    const [stopping] = followed()
    const staying = nodes.find(node => node !== stopping)
    if (stopping === undefined || staying === undefined)
      throw new Error('The verifier follows one of two nodes.')
    const { accessToken } = await staying.signUp()
    await until(() => verifier.isFresh())
    let asked = 0
    const watching = setInterval(() => {
      if (!verifier.isFresh()) asked++
    }, 5)
    await stopping.close()
    clearInterval(watching)
    nodes = [staying]
    expect(asked).toBe(0)
    expect(verifier.isFresh()).toBe(true)
    expect(staying.auth.parts.revocation.feed.list()).toHaveLength(1)
    expect(await decide(accessToken)).toBe('accepted')
    await staying.send('mutation { logout }', { token: accessToken })
    expect(await decide(accessToken)).toBe('LOGGED_OUT')
  }, 60_000)

  it('is UNAVAILABLE while the database can not be asked and its picture is too old, and accepts again afterwards', async () => {
    const [node] = nodes
    if (node === undefined) throw new Error('A node is left.')
    const { accessToken } = await node.signUp()
    expect(await decide(accessToken)).toBe('accepted')
    await postgres.halt()
    // Until then the picture is young enough.
    await until(() => !verifier.isFresh())
    for (let time = 0; time < 3; time++) expect(await decide(accessToken)).toBe('UNAVAILABLE')
    // What needs no database is said as ever: nobody is told to sign in because of an outage.
    expect(await decide('nonsense')).toBe('TOKEN_INVALID')
    await postgres.start()
    await until(async () => (await decide(accessToken)) === 'accepted')
    await until(() => verifier.isFresh(), Boolean, 30_000)
    await node.send('mutation { logout }', { token: accessToken })
    expect(await decide(accessToken)).toBe('LOGGED_OUT')
  }, 90_000)

  it('asks the nodes that are left when its own is lost, and is UNAVAILABLE when none is left', async () => {
    const [node] = nodes
    if (node === undefined) throw new Error('A node is left.')
    const { accessToken } = await node.signUp()
    await node.close()
    nodes = []
    await until(() => !verifier.isFresh())
    expect(await decide(accessToken)).toBe('UNAVAILABLE')
  }, 60_000)
})
