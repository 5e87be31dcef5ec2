import { afterEach } from '@jest/globals'
import { createSession, type Session, type SessionOptions } from '../../src/client/index.ts'
import type { SchemaExtension } from '../../src/graphql/schema.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts'
import { useFixture } from '../support/useFixture.ts'

/** A server with an open field, a guarded one, and mutations whose executions are counted. */
export interface ClientServer extends TestServer {
  readonly endpoint: string
  /** How often `bump`, `openBump` and `strictBump` were carried out. */
  readonly bumps: () => number
  /** The rows of all sessions, newest first. */
  readonly sessions: () => Promise<{ id: string; generation: number; end_reason: string | null }[]>
}

/** A server for all tests of the calling file or `describe`. */
export function useClientServer(options?: TestServerOptions): ClientServer {
  return useFixture(() => startClientServer(options))
}

export async function startClientServer(options: TestServerOptions = {}): Promise<ClientServer> {
  let bumps = 0
  const extension: SchemaExtension = {
    typeDefs: `
      extend type Query { open: String! secret: String @auth }
      extend type Mutation { bump: Int @auth openBump: Int! strictBump: Int! @auth }`,
    resolvers: {
      Query: { open: () => 'open', secret: () => 'secret' },
      Mutation: { bump: () => ++bumps, openBump: () => ++bumps, strictBump: () => ++bumps },
    },
  }
  const server = await startTestServer({ extension, ...options })
  return {
    ...server,
    endpoint: `${server.url}/graphql`,
    bumps: () => bumps,
    async sessions() {
      const { sql } = await import('drizzle-orm')
      return server.rows(
        sql`select id, generation, end_reason from annul.sessions order by created_at desc, id`,
      )
    },
  }
}

/** What can happen to a request on its way. */
export type Fault =
  /** It never arrives. */
  | 'lost'
  /** It is carried out, and its answer never arrives. */
  | 'unanswered'
  /** A gateway answers that the server cannot be reached at the moment. */
  | 'busy'
  /** The answer arrives when the test says so. */
  | Promise<unknown>

export interface Sent {
  /** The GraphQL document, or the body. */
  readonly query: string
  readonly variables: Record<string, unknown>
  readonly headers: Headers
}

/** A network between a client and its server: real requests over HTTP, with the faults that a test puts in their way. */
export interface Network {
  readonly fetch: typeof globalThis.fetch
  readonly sent: Sent[]
  /** The requests whose document contains the text. */
  sentWith(text: string): Sent[]
  /** The next requests whose document contains the text meet with these, one each. */
  fail(text: string, ...faults: Fault[]): void
  /** How many answers have met with a promise and wait for it. */
  readonly held: () => number
}

export function createNetwork(cookies?: CookieJar): Network {
  const sent: Sent[] = []
  const planned: { text: string; fault: Fault }[] = []
  let held = 0

  const send: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const body = await request.clone().text()
    const { query = body, variables = {} } = parse(body)
    sent.push({ query, variables, headers: new Headers(request.headers) })
    const at = planned.findIndex(({ text }) => query.includes(text))
    const [plan] = at < 0 ? [] : planned.splice(at, 1)
    if (plan?.fault === 'lost') throw new TypeError('fetch failed')
    if (plan?.fault === 'busy') return new Response('<h1>Bad gateway</h1>', { status: 503 })
    const response = await (cookies ? cookies.fetch(request) : fetch(request))
    if (plan?.fault === 'unanswered') {
      await response.text()
      throw new TypeError('fetch failed')
    }
    if (!plan) return response
    // Read before the wait: to give up during the wait comes too late, because the answer is already there.
    const answer = new Response(await response.text(), response)
    held++
    await plan.fault
    return answer
  }

  return {
    fetch: send,
    sent,
    held: () => held,
    sentWith: text => sent.filter(({ query }) => query.includes(text)),
    fail: (text, ...faults) => void planned.push(...faults.map(fault => ({ text, fault }))),
  }
}

function parse(body: string): { query?: string; variables?: Record<string, unknown> } {
  try {
    return JSON.parse(body)
  } catch {
    return {}
  }
}

/** The cookies of one browser, with the attributes that the client and the server use. */
export interface CookieJar {
  readonly fetch: typeof globalThis.fetch
  /** The text of `document.cookie`, without HttpOnly cookies. */
  readable(): string
  readonly values: Map<string, { value: string; httpOnly: boolean }>
}

export function createCookieJar(origin: string): CookieJar {
  const values = new Map<string, { value: string; httpOnly: boolean }>()
  return {
    values,
    readable: () =>
      [...values].flatMap(([name, { value, httpOnly }]) => (httpOnly ? [] : `${name}=${value}`)).join('; '),
    async fetch(input, init) {
      const request = new Request(input, init)
      request.headers.set('origin', origin)
      if (request.credentials === 'include')
        request.headers.set('cookie', [...values].map(([name, { value }]) => `${name}=${value}`).join('; '))
      const response = await fetch(request)
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        if (/; Max-Age=0(;|$)/.test(cookie)) values.delete(name)
        else values.set(name, { value, httpOnly: /; HttpOnly/.test(cookie) })
      }
      return response
    },
  }
}

const opened: Session[] = []
afterEach(() => {
  for (const session of opened.splice(0)) session.close()
})

/** A session with timeouts for tests. It is closed after the test. */
export function openSession(options: SessionOptions): Session {
  const session = createSession({ timeoutMs: 2000, retryMs: 6000, ...options })
  opened.push(session)
  return session
}

/** Sends an operation by `session.fetch`. */
export async function ask<Data = Record<string, unknown>>(
  session: Session,
  endpoint: string,
  query: string,
  init: RequestInit = {},
): Promise<{
  status: number
  data: Data | null | undefined
  errors: { path?: string[]; extensions: Record<string, unknown> }[] | undefined
}> {
  const response = await session.fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
    ...init,
  })
  return { status: response.status, ...((await response.json()) as { data: Data; errors: never }) }
}

/**
 * Ends the access token of the session, and not the session: the password is changed with a copy of the token, and the
 * client is not told.
 *
 * @param account its password is changed too
 */
export async function outdate(
  server: TestServer,
  session: Session,
  account: { password: string },
): Promise<void> {
  const { authorization = '' } = await session.headers()
  const input = { currentPassword: account.password, newPassword: `${account.password}!` }
  const { errors } = await server.send(
    'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }',
    { token: authorization.slice(7), variables: { input } },
  )
  if (errors) throw new Error(JSON.stringify(errors))
  account.password = input.newPassword
}

/** A storage whose answers take a while, like AsyncStorage of React Native. */
export function createSlowStorage() {
  const values = new Map<string, string>()
  const later = <T>(work: () => T) => new Promise<T>(resolve => setTimeout(() => resolve(work()), 2))
  return {
    values,
    getItem: (key: string) => later(() => values.get(key) ?? null),
    setItem: (key: string, value: string) => later(() => void values.set(key, value)),
    removeItem: (key: string) => later(() => void values.delete(key)),
  }
}

/** Waits until the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endAt = Date.now() + 5000
  while (!(await condition())) {
    if (Date.now() > endAt) throw new Error(`It never came true: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

export const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
