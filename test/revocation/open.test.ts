import { createServer } from 'node:net'
import { test as anywhere, expect } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { openDatabase, rows } from '../../src/database/open.ts'
import { openRevocation } from '../../src/revocation/open.ts'
import { createDatabase, onPostgres } from '../support/database.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'

const test = onPostgres ? anywhere : anywhere.skip

let url: string | undefined
const database = useFixture(async () => {
  const { env } = await createDatabase()
  url = env.DATABASE_URL
  return openDatabase({ databaseUrl: url, dataDir: env.ANNUL_DATA_DIR ?? '' })
})
const leases = () => rows(database.db, sql`select lease_ms from annul.nodes`)
/** What PostgreSQL sends while it can not be used yet. */
const isStarting = (() => {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0')
  const length = Buffer.alloc(4)
  length.writeInt32BE(fields.length + 4)
  return Buffer.concat([Buffer.from('E'), length, fields])
})()
const silent = { info() {}, warn() {}, error() {} }

test('on PostgreSQL a node joins with its lease when it is started, and its row goes with it', async () => {
  const config = { databaseUrl: url, leaseMs: 777, feedAckMs: 500 }
  const revocation = openRevocation(config, database.db, silent)
  expect([revocation.node(), revocation.isFresh(), await leases()]).toEqual([undefined, false, []])
  await revocation.start()
  expect([revocation.isFresh(), await leases()]).toEqual([true, [{ lease_ms: 777 }]])
  await revocation.stop()
  expect(await leases()).toEqual([])
})

anywhere('on the embedded database a node is there at once, without a row', async () => {
  const config = { databaseUrl: undefined, leaseMs: 777, feedAckMs: 500 }
  const revocation = openRevocation(config, database.db, silent)
  expect(revocation.node()).toBeDefined()
  await revocation.start()
  expect([revocation.isFresh(), await leases()]).toEqual([true, []])
  await revocation.stop()
})

anywhere('a database that can not be followed is told of once, however often it is tried', async () => {
  let tries = 0
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      tries++
      socket.end(isStarting)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const told: [object, string][] = []
  const log = { ...silent, warn: (details: object, message: string) => void told.push([details, message]) }
  const config = { databaseUrl: `postgres://annul@127.0.0.1:${port}/annul`, leaseMs: 777, feedAckMs: 500 }
  const revocation = openRevocation(config, database.db, log)
  const started = revocation.start()
  await until(() => tries >= 3)
  await revocation.stop()
  await started
  server.close()
  expect(told).toEqual([
    [{ err: expect.any(Error) }, 'The revocation log can not be followed; trying again.'],
  ])
})
