import { afterEach, describe, expect, it } from '@jest/globals'
import { GraphQLError } from 'graphql'
import type { YogaServerOptions } from 'graphql-yoga'
import { annulYoga } from '../../src/servers/yoga.ts'
import { mistake } from './contract/app.ts'
import { useYogaApp } from './yogaApp.ts'

const app = useYogaApp()
const { server, yogaLog } = app
afterEach(() => {
  yogaLog.length = 0
  server.errors.length = 0
})

type Masked = YogaServerOptions<object, object>['maskedErrors']

const modes: readonly [name: string, maskedErrors: Masked][] = [
  ['at its default', undefined],
  ['off', false],
  ['for development', { isDev: true }],
  ['an app’s own that lets everything through', { maskError: error => error as Error }],
  ['an app’s own that tells what was thrown', { maskError: error => new GraphQLError(String(error)) }],
  ['an app’s own that hides everything', { maskError: () => new GraphQLError('Hidden.') }],
]

const notSignedIn = {
  message: 'You are not signed in.',
  code: 'UNAUTHENTICATED',
  reason: 'TOKEN_MISSING',
  recover: 'LOGIN',
}
const somethingWrong = {
  message: 'Something went wrong on the server.',
  code: 'INTERNAL_SERVER_ERROR',
  id: expect.any(String),
}

describe.each(modes)('with maskedErrors %s,', (_name, maskedErrors) => {
  const ask = async (body: unknown, options: Parameters<typeof app.make>[0] = {}) => {
    const { status, text, errors } = await app.ask(
      app.make({ ...(maskedErrors !== undefined && { maskedErrors }), ...options }),
      body,
    )
    expect(text).not.toContain(mistake)
    const told = errors?.map(({ message, extensions }) => ({ message, ...extensions }))
    return { status, errors: told as Record<string, unknown>[] | undefined }
  }

  it('Annul’s errors and the app’s public errors are told', async () => {
    expect(await ask('{ notes }')).toEqual({ status: 401, errors: [notSignedIn] })
    expect(await ask('{ news notes closed }')).toEqual({
      status: 200,
      errors: [notSignedIn, { message: 'The shop is closed.', code: 'CLOSED', until: 9 }],
    })
  })

  it('what nobody meant is told as an id alone, which Annul’s log carries with the cause', async () => {
    const { status, errors } = await ask('{ broken }')
    expect({ status, errors }).toEqual({ status: 200, errors: [somethingWrong] })
    expect(server.errors).toEqual([
      expect.objectContaining({
        id: errors?.[0]?.id,
        path: 'broken',
        err: expect.objectContaining({ message: mistake }),
      }),
    ])
    expect(JSON.stringify(yogaLog.map(String))).not.toContain(mistake)
  })

  it('a mistake in the app’s context function too', async () => {
    const context = async () => {
      throw new Error(mistake)
    }
    const { status, errors } = await ask('{ news }', { context })
    expect({ status, errors }).toEqual({ status: 500, errors: [somethingWrong] })
    expect(server.errors).toEqual([
      expect.objectContaining({ id: errors?.[0]?.id, err: expect.objectContaining({ message: mistake }) }),
    ])
    expect(JSON.stringify(yogaLog.map(String))).not.toContain(mistake)
  })

  it.each(['onParams', 'onParse', 'onValidate', 'onExecute', 'onExecutionResult', 'onRequestParse'])(
    'a mistake in another plugin’s %s too',
    async hook => {
      const other = {
        [hook]() {
          throw new Error(mistake)
        },
      }
      const broken = await ask('{ news }', { plugins: [other, annulYoga(app.auth)] })
      expect(broken).toEqual({ status: 500, errors: [somethingWrong] })
      expect(server.errors).toEqual([
        expect.objectContaining({ err: expect.objectContaining({ message: mistake }) }),
      ])
      expect(JSON.stringify(yogaLog.map(String))).not.toContain(mistake)
    },
  )

  it('what graphql says of syntax and fields is told, the first time and from Yoga’s cache', async () => {
    const yoga = app.make({ ...(maskedErrors !== undefined && { maskedErrors }) })
    for (const [query, message, code] of [
      ['{ news', 'Syntax Error: Expected Name, found <EOF>.', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothing }', 'Cannot query field "nothing" on type "Query".', 'GRAPHQL_VALIDATION_FAILED'],
    ])
      for (let time = 0; time < 2; time++) {
        const { errors } = await app.ask(yoga, query)
        expect(errors).toMatchObject([{ message, extensions: { code } }])
      }
  })
})

describe('the status of a refused operation', () => {
  it.each([
    ['application/json', 'application/json; charset=utf-8'],
    ['application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
  ])('is the same for a client that accepts %s', async (accept, contentType) => {
    const yoga = app.make()
    const refused = await app.ask(yoga, '{ notes }', { headers: { accept } })
    expect(refused).toMatchObject({ status: 401, data: { notes: null } })
    expect(refused.headers.get('content-type')).toBe(contentType)
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="annul"')
    expect(refused.headers.get('cache-control')).toBe('no-store')
    const busy = await app.ask(yoga, '{ busy }', { headers: { accept } })
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '7'])
    const beside = await app.ask(yoga, '{ news notes }', { headers: { accept } })
    expect([beside.status, beside.headers.get('www-authenticate')]).toEqual([200, null])
  })

  it('is Yoga’s own where the operation was not understood', async () => {
    const strict = { headers: { accept: 'application/graphql-response+json' } }
    const yoga = app.make()
    expect((await app.ask(yoga, '{ news', strict)).status).toBe(400)
    expect((await app.ask(yoga, '{ nothing }', strict)).status).toBe(400)
    expect((await app.ask(yoga, '{ news')).status).toBe(200)
    const variables = {
      query: 'query ($id: ID!) { news @include(if: true) node: __type(name: $id) { name } }',
    }
    expect(await app.ask(yoga, variables, strict)).toMatchObject({
      status: 400,
      errors: [
        { extensions: { code: expect.stringMatching(/^(BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED)$/) } },
      ],
    })
  })
})

describe('an operation beyond the bounds', () => {
  const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`)
  it.each<[string, object, unknown, string]>([
    [
      'of tokens',
      { query: `{ ${'news '.repeat(2000)} }` },
      'The operation has more than 2000 tokens.',
      'TOO_MANY_TOKENS',
    ],
    [
      'of levels',
      { query: `{ ${'a{'.repeat(100)}b${'}'.repeat(100)} }` },
      'The operation is nested too deeply: more than 100 levels.',
      'GRAPHQL_PARSE_FAILED',
    ],
    [
      'of levels in its variables',
      { query: '{ news }', variables: { deep: nested(100) } },
      'The variables are nested too deeply: more than 100 levels.',
      'BAD_REQUEST',
    ],
  ])('%s is refused', async (_name, body, message, code) => {
    const headers = { accept: 'application/graphql-response+json' }
    const { status, data, errors } = await app.ask(app.make(), body, { headers })
    expect({ status, data, errors: errors?.map(error => [error.message, error.extensions.code]) }).toEqual({
      status: 400,
      data: undefined,
      errors: [[message, code]],
    })
  })
})
