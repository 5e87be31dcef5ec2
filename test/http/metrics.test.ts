import { afterEach, describe, expect, it } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { openServer } from '../../src/http/server.ts'
import { newSecret } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
afterEach(() => server.close())

const start = async (env: Record<string, string>) => {
  server = await startTestServer({ env })
}
const get = async (url: string) => {
  const response = await fetch(url)
  return { status: response.status, text: await response.text() }
}
const nothing = {
  status: 404,
  text: '{"errors":[{"message":"There is nothing at this address.","extensions":{"code":"NOT_FOUND"}}]}',
}

describe('/metrics', () => {
  it('is on the server’s own port by default', async () => {
    await start({})
    const { status, text } = await get(`${server.url}/metrics`)
    expect(status).toBe(200)
    expect(text).toContain('annul_decisions_total')
    expect(server.metricsUrl).toBe(`${server.url}/metrics`)
  })

  it('is nowhere in production, and where it is off', async () => {
    for (const env of [{ NODE_ENV: 'production' }, { ANNUL_METRICS: 'off' }] as Record<string, string>[]) {
      await start(env)
      expect(await get(`${server.url}/metrics`)).toEqual(nothing)
      expect(server.metricsUrl).toBeUndefined()
      await server.close()
    }
  })

  it('is on a listener of its own, which serves nothing else, and ends with the server', async () => {
    await start({ NODE_ENV: 'production', ANNUL_METRICS: '127.0.0.1:0' })
    const url = server.metricsUrl ?? ''
    expect(new URL(url).port).not.toBe(new URL(server.url).port)
    expect(await get(`${server.url}/metrics`)).toEqual(nothing)
    const { status, text } = await get(url)
    expect(status).toBe(200)
    expect(text).toContain('annul_decisions_total')
    for (const path of ['/', '/graphql', '/healthz', '/.well-known/jwks.json'])
      expect((await get(new URL(path, url).href)).status).toBe(404)

    await server.close()
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  it('keeps a server from starting whose address for it is taken, and nothing stays open', async () => {
    await start({ ANNUL_METRICS: '127.0.0.1:0' })
    const taken = new URL(server.metricsUrl ?? '').host
    const { env } = await createDatabase()
    const config = readConfig({ PORT: '0', ANNUL_SECRET: newSecret(), ANNUL_METRICS: taken, ...env })
    await expect(openServer(config, { logStream: { write() {} } })).rejects.toThrow('EADDRINUSE')
  })
})
