import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
} from 'graphql'
import WebSocket from 'ws'
import type { Account, TokensAnswer } from '../support/client.ts'
import { annul, type NodeProcess, newSecret, startNode } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { mutated, operation, texts } from './fuzz/documents.ts'
import {
  checkAnswer,
  checkText,
  endExchanges,
  exchange,
  exchangeBytes,
  failuresOf,
  patienceMs,
} from './fuzz/target.ts'

/*
 * Whatever is sent to a node: it answers or closes, with no failure within, and goes on. FUZZ_RUNS makes it longer,
 * FUZZ_SEED repeats a run.
 */

const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const runs = Number(process.env.FUZZ_RUNS ?? 2000)
/** Without a search for the smallest example, which would send thousands of requests more. */
const share = (part: number) => ({ seed, numRuns: Math.max(1, Math.round(runs * part)), endOnFailure: true })
const timeoutMs = 300_000

let node: NodeProcess
let schema: GraphQLSchema
let user: Account & TokensAnswer
let token: string
let known: string[]

beforeAll(async () => {
  process.stdout.write(`The fuzz has the seed ${seed}: FUZZ_SEED=${seed} repeats it.\n`)
  const { env: database } = await createDatabase()
  const env = { ...database, ANNUL_SECRET: newSecret(), ANNUL_LIMITS: 'off', ANNUL_LOG_LEVEL: 'warn' }
  const admin = { email: 'admin@example.com', password: 'password of an admin' }
  const made = await annul(
    ['create-user', '--email', admin.email, '--roles', 'admin'],
    env,
    `${admin.password}\n`,
  )
  expect(made).toMatchObject({ status: 0 })
  node = await startNode(env)
  const { data } = await node.send<IntrospectionQuery>(getIntrospectionQuery())
  if (!data) throw new Error('There is no schema.')
  schema = buildClientSchema(data as never)
  await signIn()
  token = (await node.login(admin)).accessToken
}, 60_000)
afterAll(async () => {
  endExchanges()
  await node?.stop()
})

async function signIn() {
  user = await node.signUp()
  token = user.accessToken
  known = [user.userId, user.session.id, user.email, user.password, user.accessToken, user.refreshToken]
}

const json = { 'content-type': 'application/json' }
const graphql = () => `${node.url}/graphql`
/** A text that can be sent as a header. */
const headerText = (text: string) => text.replace(/[^\x20-\x7e]/g, '')
const sendOperation = async (
  query: string,
  headers: Record<string, string> = {},
  variables: unknown = {},
) => {
  const body = JSON.stringify({ query, variables })
  const answer = await exchange(graphql(), { headers: { ...json, ...headers }, body })
  checkAnswer(answer)
  return answer
}

describe('A node survives', () => {
  it(
    'JSON of any shape',
    async () => {
      const operations = fc.constantFrom(
        '{ me { id } }',
        'mutation { logout }',
        'query ($a: ID!) { user(id: $a) { id } }',
      )
      const shaped = fc.record(
        {
          query: fc.oneof(operations, fc.jsonValue()),
          variables: fc.jsonValue({ maxDepth: 6 }),
          operationName: fc.jsonValue(),
          extensions: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      const deep = fc.integer({ min: 1, max: 20_000 }).map(depth => '[{"a":'.repeat(depth))
      const bodies = fc.oneof(
        fc.json(),
        shaped.map(value => JSON.stringify(value)),
        fc.array(shaped).map(value => JSON.stringify(value)),
        deep,
      )
      await fc.assert(
        fc.asyncProperty(bodies, async body => {
          checkAnswer(await exchange(graphql(), { headers: json, body }))
        }),
        share(0.15),
      )
    },
    timeoutMs,
  )

  it(
    'operations within the grammar, with values of right and wrong types',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.gen(), async g => {
          const query = operation(schema, known, g)
          const { text } = await sendOperation(
            query,
            { authorization: `Bearer ${token}` },
            { a: g(() => fc.anything()) },
          )
          // The token may have ended itself.
          if (text.includes('UNAUTHENTICATED')) await signIn()
        }),
        share(0.25),
      )
    },
    timeoutMs,
  )

  it(
    'tokens that are almost right, and accepts none of them',
    async () => {
      await signIn()
      const almost = (text: string) => mutated(text).filter(other => other !== text)
      await fc.assert(
        fc.asyncProperty(
          almost(user.accessToken),
          almost(user.refreshToken),
          texts(known),
          async (access, refresh, other) => {
            const asked = await sendOperation('{ me { id } }', {
              authorization: `Bearer ${headerText(access)}`,
            })
            expect(asked.text).not.toContain(user.userId)
            const renewed = await sendOperation(
              'mutation ($t: String!) { refresh(refreshToken: $t) { accessToken } }',
              {},
              { t: refresh },
            )
            expect(renewed.text).toContain('INVALID_REFRESH_TOKEN')
            const field = other.length % 2 === 0 ? 'verifyEmail(token: $t)' : 'restoreEmail(token: $t)'
            await sendOperation(
              `mutation ($t: String!) { ${field} }`,
              { 'annul-device': headerText(other) },
              { t: other },
            )
          },
        ),
        share(0.1),
      )
    },
    timeoutMs,
  )

  it(
    'cookies',
    async () => {
      const names = fc.constantFrom(
        '__Host-annul-refresh',
        '__Host-annul-session',
        '__Host-annul-device',
        '__Host-annul-fingerprint',
        'a',
        '',
      )
      const pairs = fc.array(
        fc.tuple(names, texts(known)).map(([name, value]) => `${name}=${headerText(value)}`),
        { maxLength: 8 },
      )
      const origin = fc.constantFrom('null', node.url, 'https://evil.example', 'http://', '')
      const query = fc.constantFrom(
        'mutation { refresh { accessToken } }',
        'mutation { refresh(attempt: "a.1.b") { accessToken } }',
        'mutation { logout }',
        '{ me { id } }',
      )
      await fc.assert(
        fc.asyncProperty(query, pairs, origin, async (query, cookies, origin) => {
          await sendOperation(query, { cookie: cookies.join('; '), origin })
        }),
        share(0.1),
      )
    },
    timeoutMs,
  )

  it(
    'bytes in place of headers',
    async () => {
      const bytes = fc.uint8Array({ maxLength: 60 }).map(array => Buffer.from(array).toString('latin1'))
      const names = [
        'authorization',
        'content-type',
        'content-length',
        'transfer-encoding',
        'cookie',
        'origin',
        'expect',
        'upgrade',
        'connection',
        'host',
        'accept',
        'x-forwarded-for',
        'sec-websocket-key',
        'sec-websocket-version',
        'sec-fetch-site',
        'annul-device',
        'annul-renew',
        'user-agent',
      ]
      const values = fc.oneof(
        bytes,
        fc.constantFrom(
          'Bearer ',
          'chunked',
          '-1',
          '1e9',
          '100-continue',
          'websocket',
          'Upgrade',
          'application/json',
          'text/html',
          'null',
          '[::1]:99999',
          ','.repeat(50),
        ),
      )
      const line = fc
        .tuple(fc.oneof(fc.constantFrom(...names), bytes), values)
        .map(([name, value]) => `${name}: ${value}\r\n`)
      const first = fc
        .tuple(
          fc.oneof(fc.constantFrom('GET', 'POST', 'OPTIONS', 'HEAD', 'PUT', 'PROPFIND'), bytes),
          fc.oneof(
            fc.constantFrom(
              '/graphql',
              '/graphql?query={me{id}}',
              '/',
              '*',
              '/account/verify-email?token=%',
              '/readyz',
              '//',
              '/%ff',
            ),
            bytes,
          ),
          fc.oneof(fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9'), bytes),
        )
        .map(parts => `${parts.join(' ')}\r\n`)
      const body = fc.oneof(
        fc.constantFrom('', '{"query":"{__typename}"}', '0\r\n\r\n', 'ffffffff\r\n'),
        bytes,
      )
      await fc.assert(
        fc.asyncProperty(first, fc.array(line, { maxLength: 6 }), body, async (first, lines, body) => {
          const received = await exchangeBytes(
            node.url,
            Buffer.from(`${first}host: a\r\n${lines.join('')}\r\n${body}`, 'latin1'),
          )
          for (const [, status] of received.matchAll(/^HTTP\/1\.1 (\d{3})/gm))
            if (Number(status) >= 500 && !/retry-after/i.test(received)) throw new Error(received)
          checkText(received)
        }),
        share(0.1),
      )
    },
    timeoutMs,
  )

  it(
    'bodies of other types',
    async () => {
      const types = fc.constantFrom(
        'multipart/form-data; boundary=a',
        'multipart/form-data',
        'application/x-www-form-urlencoded',
        'text/plain',
        'application/json; charset=utf-16',
        'application/graphql',
        'a',
        '',
      )
      const contents = fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array)),
        fc
          .constantFrom(
            '--a\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query":"{__typename}"}\r\n--a--\r\n',
            'query={__typename}',
            'a'.repeat(150_000),
          )
          .map(text => Buffer.from(text)),
      )
      await fc.assert(
        fc.asyncProperty(types, contents, async (type, body) => {
          checkAnswer(
            await exchange(graphql(), {
              headers: { 'content-type': type, 'content-length': body.length },
              body,
            }),
          )
        }),
        share(0.05),
      )
    },
    timeoutMs,
  )

  it(
    'forms and links of the account pages',
    async () => {
      const path = fc.constantFrom('verify-email', 'reset-password', 'restore-email')
      const fields = fc
        .array(
          fc.tuple(
            fc.constantFrom('token', 'newPassword', 'repeated', 'email', '__proto__', ''),
            texts(known),
          ),
          { maxLength: 5 },
        )
        .map(pairs => new URLSearchParams(pairs).toString())
      const bodies = fc.oneof(
        fields,
        fc.string({ unit: 'binary' }),
        fc.constantFrom('%', '%ff', '&&=&', 'token[a]=b', `token=${'a'.repeat(20_000)}`),
      )
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      await fc.assert(
        fc.asyncProperty(path, bodies, texts(known), async (path, body, link) => {
          const url = `${node.url}/account/${path}`
          const found = await exchange(`${url}?token=${encodeURIComponent(Buffer.from(link).toString())}`, {
            method: 'GET',
          })
          const sent = await exchange(url, { headers, body })
          for (const answer of [found, sent]) {
            checkAnswer(answer)
            expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
          }
        }),
        share(0.1),
      )
    },
    timeoutMs,
  )

  it(
    'frames',
    async () => {
      const type = fc.constantFrom(
        'connection_init',
        'subscribe',
        'complete',
        'ping',
        'pong',
        'next',
        'start',
        '',
      )
      const message = fc
        .record(
          {
            type: fc.oneof(type, fc.jsonValue()),
            id: fc.oneof(fc.constantFrom('1', '2'), fc.jsonValue()),
            payload: fc.oneof(
              fc.record({
                query: fc.oneof(
                  fc.constantFrom('{ me { id } }', 'subscription { sessionEvents { kind } }', '{'),
                  fc.jsonValue(),
                ),
                variables: fc.jsonValue(),
              }),
              fc.jsonValue(),
            ),
          },
          { requiredKeys: [] },
        )
        .map(value => JSON.stringify(value))
      const frame = fc.oneof(
        { weight: 6, arbitrary: message.map(data => ({ kind: 'whole' as const, data })) },
        {
          weight: 1,
          arbitrary: fc.string({ unit: 'binary' }).map(data => ({ kind: 'whole' as const, data })),
        },
        {
          weight: 1,
          arbitrary: fc.uint8Array().map(data => ({ kind: 'whole' as const, data: Buffer.from(data) })),
        },
        { weight: 1, arbitrary: fc.constant({ kind: 'whole' as const, data: 'x'.repeat(150_000) }) },
        { weight: 1, arbitrary: message.map(data => ({ kind: 'fragments' as const, data })) },
        {
          weight: 1,
          arbitrary: fc
            .uint8Array({ minLength: 1 })
            .map(data => ({ kind: 'raw' as const, data: Buffer.from(data) })),
        },
      )
      await fc.assert(
        fc.asyncProperty(
          fc.boolean(),
          fc.array(frame, { minLength: 1, maxLength: 8 }),
          async (begins, frames) => {
            const socket = new WebSocket(graphql().replace('http', 'ws'), 'graphql-transport-ws')
            const received: string[] = []
            /** The server's frame of closing has come. The connection itself may stay for a moment. */
            const closed = async () => {
              while (socket.readyState === WebSocket.OPEN) await delay(5)
            }
            socket.on('message', data => received.push(String(data)))
            socket.on('error', () => {})
            await new Promise(resolve => socket.on('open', resolve).on('close', resolve))
            if (begins)
              socket.send(
                JSON.stringify({
                  type: 'connection_init',
                  payload: { authorization: `Bearer ${user.accessToken}` },
                }),
              )
            for (const { kind, data } of frames) {
              if (socket.readyState !== WebSocket.OPEN) break
              if (kind === 'raw') Reflect.get(socket, '_socket').write(data)
              else if (kind === 'whole') socket.send(data)
              else for (const letter of data) socket.send(letter, { fin: false })
            }
            // After bytes that begin a frame the server rightly waits for the rest.
            const answered = new Promise(resolve => socket.on('pong', resolve))
            if (socket.readyState === WebSocket.OPEN) socket.ping()
            const waits = frames.some(({ kind }) => kind === 'raw')
              ? delay(20, 'waits')
              : delay(patienceMs, 'hangs', { ref: false })
            const end = await Promise.race([answered, closed(), waits])
            socket.terminate()
            expect(end).not.toBe('hangs')
            checkText(received.join('\n'))
          },
        ),
        share(0.15),
      )
    },
    timeoutMs,
  )

  it('all of this: it answers as before, and its log tells of no failure', async () => {
    await signIn()
    const { data } = await node.send<{ me: { id: string } }>('{ me { id } }', { token })
    expect(data).toEqual({ me: { id: user.userId } })
    expect(failuresOf(node)).toEqual([])
    expect(node.process.exitCode).toBeNull()
  })
})
