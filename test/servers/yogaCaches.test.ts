import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Plugin } from 'graphql-yoga'
import { annulYoga } from '../../src/servers/yoga.ts'
import type { SignedUp } from './contract/server.ts'
import { useYogaApp } from './yogaApp.ts'

/* What Yoga and its plugins keep from one request for the next. */

const app = useYogaApp()
const { server } = app
let ada: SignedUp
beforeAll(async () => {
  ada = await server.signUp()
})
beforeEach(() => {
  server.errors.length = 0
})

/** Answers an operation as it has answered it the first time, whoever asks: before it is parsed. */
function cacheOfAnswers(): Plugin {
  const answers = new Map<string, object>()
  return {
    onParams({ params, setResult }) {
      const known = answers.get(String(params.query))
      if (known) setResult(known)
    },
    onExecutionResult({ result, context }) {
      // Yoga notes what was asked only where the operation goes on.
      const { params } = context as Partial<typeof context>
      if (result && params && !('errors' in result)) answers.set(String(params.query), result)
    },
  }
}

/** The same in place of the executor, as Envelop's cache does. */
function cacheOfExecutions(): Plugin {
  const answers = new Map<string, object>()
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const text = String(args.contextValue.params.query)
      const known = answers.get(text)
      setExecuteFn(known ? () => known as never : executeFn)
      return {
        onExecuteDone({ result }) {
          if (!('errors' in result)) answers.set(text, result)
        },
      }
    },
  }
}

describe('a cache of answers', () => {
  const kinds: readonly [string, () => Plugin[]][] = [
    ['before the plugin', () => [cacheOfAnswers(), annulYoga(app.auth)]],
    ['after the plugin', () => [annulYoga(app.auth), cacheOfAnswers()]],
    ['of executions, before the plugin', () => [cacheOfExecutions(), annulYoga(app.auth)]],
    ['of executions, after the plugin', () => [annulYoga(app.auth), cacheOfExecutions()]],
  ]

  it.each(kinds)('%s gives nothing guarded away, and the log says why', async (_name, plugins) => {
    const yoga = app.make({ plugins: plugins() })
    const mine = await app.ask(yoga, '{ notes }', { token: ada.accessToken })
    expect(mine.data).toEqual({ notes: ada.userId })
    const { status, text, data, errors } = await app.ask(yoga, '{ notes }')
    expect(text).not.toContain(ada.userId)
    expect({ status, data, code: errors?.[0]?.extensions.code }).toEqual({
      status: 500,
      data: undefined,
      code: 'INTERNAL_SERVER_ERROR',
    })
    expect(server.errors).toEqual([
      expect.objectContaining({
        id: errors?.[0]?.extensions.id,
        err: expect.objectContaining({
          message: expect.stringMatching(/^A plugin has answered an operation with guarded fields/),
        }),
      }),
    ])
  })

  it.each(kinds)('%s may hold what is public', async (_name, plugins) => {
    const yoga = app.make({ plugins: plugins() })
    for (let time = 0; time < 2; time++)
      expect(await app.ask(yoga, '{ news }')).toMatchObject({ status: 200, data: { news: 'It rains.' } })
    expect(server.errors).toEqual([])
  })
})

describe('Yoga’s cache of documents', () => {
  it('leaves the decision to each request', async () => {
    const yoga = app.make()
    const { accessToken } = await server.login(ada)
    const ask = async (token?: string) => {
      const { status, data, errors } = await app.ask(yoga, '{ notes }', token === undefined ? {} : { token })
      return [status, data, errors?.[0]?.extensions.reason]
    }
    expect(await ask(accessToken)).toEqual([200, { notes: ada.userId }, undefined])
    expect(await ask()).toEqual([401, { notes: null }, 'TOKEN_MISSING'])
    expect(await ask(accessToken)).toEqual([200, { notes: ada.userId }, undefined])
    await server.send('mutation { logout }', { token: accessToken })
    expect(await ask(accessToken)).toEqual([401, { notes: null }, 'LOGGED_OUT'])
  })
})
