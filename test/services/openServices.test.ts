import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { createService } from '../../src/services/createService.ts'
import { openServices, rememberedMs } from '../../src/services/openServices.ts'
import { makeServiceSecret } from '../../src/tokens/serviceSecret.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres } from '../support/postgres.js'
import { startTestServer, useServer } from '../support/server.ts'
import { createLoggedDatabase } from '../support/statements.ts'

const describePostgres = onPostgres ? describe : describe.skip

describe('the services that a node knows', () => {
  const server = useServer()

  it('are found by their secret, and by nothing else', async () => {
    const { secret, secretId } = await createService(server.auth.parts, {
      ...{ name: 'orders', rights: ['feed', 'revoke'] },
    })
    const { services } = server.auth
    const found = await services.find(secret)
    expect(found).toEqual({ id: expect.any(String), name: 'orders', rights: ['feed', 'revoke'], secretId })
    for (const other of [makeServiceSecret(), `${secret}A`, 'orders', '', secretId])
      expect(await services.find(other)).toBeUndefined()
  })

  it('are asked about anew a second after the last look-up, and not before', async () => {
    const { secret, secretId } = await createService(server.auth.parts, { name: 'short', rights: ['feed'] })
    const services = openServices(server.auth.parts)
    const askedAt = performance.now()
    expect(await services.find(secret)).toBeDefined()
    await server.rows(sql`update annul.service_secrets set ended_at = now() where id = ${secretId}`)
    const again = await services.find(secret)
    // Only while the test itself was not held up.
    if (performance.now() - askedAt < rememberedMs) expect(again).toBeDefined()
    await delay(rememberedMs - (performance.now() - askedAt) + 5)
    expect(await services.find(secret)).toBeUndefined()
    // What lives by the rows is never remembered.
    expect(await services.live([secretId])).toEqual(new Set())
  })

  it('tell in one look which of many secrets live', async () => {
    const name = 'many'
    const first = await createService(server.auth.parts, { name, rights: ['feed'] })
    const second = await createService(server.auth.parts, { name })
    const { services } = server.auth
    const ids = [first.secretId, second.secretId, crypto.randomUUID()]
    expect(await services.live(ids)).toEqual(new Set([first.secretId, second.secretId]))
    await server.rows(sql`update annul.services set ended_at = now() where name = ${name}`)
    expect(await services.live(ids)).toEqual(new Set())
    expect(await services.live([])).toEqual(new Set())
  })
})

describePostgres('statements about services', () => {
  it('are one for all who ask at once, one a second afterwards, and none for garbage', async () => {
    const database = await createLoggedDatabase()
    const server = await startTestServer({ database })
    try {
      const { secret } = await createService(server.auth.parts, { name: 'orders', rights: ['feed'] })
      const services = openServices(server.auth.parts)
      const lookUps = async () => (await database.statements()).filter(text => /service_secrets/.test(text))
      await lookUps()
      const invented = Array.from({ length: 50 }, makeServiceSecret)
      const found = await Promise.all([secret, ...invented, secret].map(each => services.find(each)))
      expect(found.filter(Boolean)).toHaveLength(2)
      expect(await lookUps()).toHaveLength(1)
      await Promise.all(['', 'annul_sv_', `${secret}=`, 'x'.repeat(52)].map(each => services.find(each)))
      expect(await lookUps()).toEqual([])
    } finally {
      await server.close()
      await database.close()
    }
  })

  it('that are not answered are neither a yes nor a no, not even for a secret that was asked about before', async () => {
    const postgres = await startPostgres()
    await postgres.createDatabase('services')
    const env = { DATABASE_URL: postgres.urlOf('services') }
    const server = await startTestServer({ database: { env } })
    try {
      const { secret } = await createService(server.auth.parts, { name: 'orders', rights: ['feed'] })
      const { services } = server.auth
      expect(await services.find(secret)).toBeDefined()
      await postgres.halt()
      await delay(rememberedMs)
      for (const each of [secret, makeServiceSecret()])
        await expect(services.find(each)).rejects.toMatchObject({ cause: { name: 'OutageError' } })
      await expect(services.live([crypto.randomUUID()])).rejects.toMatchObject({
        cause: { name: 'OutageError' },
      })
    } finally {
      await server.close()
      await postgres.stop()
    }
  })
})
