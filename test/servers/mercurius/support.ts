import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { afterEach } from '@jest/globals'
import { type FastifyInstance, fastify } from 'fastify'
import { type MercuriusOptions, mercurius } from 'mercurius'
import { type Auth, createAuth } from '../../../src/auth.ts'
import type { SchemaExtension } from '../../../src/graphql/schema.ts'
import type { Settings } from '../../../src/options.ts'
import { annulMercurius, type MercuriusAdditions } from '../../../src/servers/mercurius.ts'
import { type Client, createClient, noteSecrets, type ResponseError } from '../../support/client.ts'
import { createDatabase, variable } from '../../support/database.ts'
import { useFixture } from '../../support/useFixture.ts'

/** An auth for all tests of the calling file, and what it logged as errors. */
export interface OpenAuth {
  readonly auth: Auth
  readonly errors: Record<string, unknown>[]
  close(): Promise<void>
}

export function useAuth(settings: Settings = {}): OpenAuth {
  return useFixture(async () => {
    const { env } = await createDatabase()
    const errors: Record<string, unknown>[] = []
    const logAs = (level: number) => (details: object, msg: string) => {
      appendFileSync(variable('TEST_LOG'), `${JSON.stringify({ level, ...details, msg })}\n`)
      if (level >= 50) errors.push({ ...details, msg })
    }
    const secret = randomBytes(32).toString('base64')
    noteSecrets(secret)
    const auth = await createAuth({
      secret,
      leaseMs: 500,
      ...(env.DATABASE_URL && { databaseUrl: env.DATABASE_URL }),
      ...(env.ANNUL_DATA_DIR && { dataDir: env.ANNUL_DATA_DIR }),
      ...settings,
      log: { info: logAs(30), warn: logAs(40), error: logAs(50) },
    })
    return { auth, errors, close: () => auth.close() }
  })
}

export interface Result {
  readonly data?: Record<string, unknown> | null
  readonly errors?: ResponseError[]
  readonly extensions?: Record<string, unknown>
}

export interface RunningMercurius extends Client {
  readonly url: string
  readonly app: FastifyInstance
  /** Posts any body. */
  post(
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; text: string; json: Result & Result[] }>
  get(
    parameters: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; json: Result }>
}

export interface Start {
  readonly extension?: SchemaExtension
  readonly own?: MercuriusAdditions
  /** Options beside Annul's. */
  readonly options?: Partial<MercuriusOptions>
  /** Called between registering and listening. */
  readonly configure?: (app: FastifyInstance) => void | Promise<void>
}

const closing: (() => Promise<unknown>)[] = []
/** To be called once in a file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
}

/** An app on Mercurius, closed after the test. */
export async function startMercurius(auth: Auth, start: Start = {}): Promise<RunningMercurius> {
  const { extension, own, options, configure } = start
  const app = fastify()
  closing.push(() => app.close())
  const schema = auth.schema(extension)
  await app.register(mercurius, { schema, ...annulMercurius(auth, own), ...options } as MercuriusOptions)
  await configure?.(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const read = async (response: Response) => {
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) }
  }
  return {
    ...createClient(url),
    url,
    app,
    post: async (body, headers) =>
      read(
        await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      ),
    get: async (parameters, headers = {}) =>
      read(await fetch(`${url}/graphql?${new URLSearchParams(parameters)}`, { headers })),
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
