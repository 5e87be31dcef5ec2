import { describe, expect, it } from '@jest/globals'
import { type ExecutionResult, GraphQLError, parse, subscribe } from 'graphql'
import { AuthError } from '../../src/errors.ts'
import type { GraphQLContext } from '../../src/request/context.ts'
import { useGuardedApp } from '../support/guardedApp.ts'

/* Each event of a subscription is decided anew, on whatever server the schema is: here it is graphql's own. */

/** Events that a test sends one by one, and that never end by themselves. */
class Source implements AsyncIterableIterator<unknown> {
  returned = 0
  #wake: ((result: IteratorResult<unknown>) => void) | undefined

  next(): Promise<IteratorResult<unknown>> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  emit(event: unknown): void {
    this.#wake?.({ done: false, value: event })
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.returned++
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

const typeDefs = `
  type Secret @auth(roles: ["admin"]) { text: String }
  type Mixed { open: String secret: String @auth(roles: ["admin"]) }
  extend type Subscription {
    guarded: String @auth(roles: ["admin"])
    returning: [Secret!]
    mixed: Mixed
    broken: String @auth
    rootless: String @auth
  }
`
let source = new Source()
let begun = 0
const begin = () => {
  begun++
  source = new Source()
  return source
}
const resolvers = {
  Subscription: {
    guarded: { subscribe: begin },
    returning: { subscribe: begin },
    mixed: { subscribe: begin },
    broken: { subscribe: () => 'no events' },
  },
}

const app = useGuardedApp({ typeDefs, resolvers })

/** Subscribes with a token that the test may change. */
async function listen(query: string, token: { now: string | undefined }, rootValue?: unknown) {
  const schema = app.auth.schema({ typeDefs, resolvers })
  const contextValue: GraphQLContext = app.auth.socketContext({ headers: {} }, () => token.now)
  const answer = await subscribe({ schema, document: parse(query), contextValue, rootValue })
  const events = Symbol.asyncIterator in answer ? answer : undefined
  return {
    answer: answer as ExecutionResult,
    async next(event: unknown): Promise<unknown> {
      const result = events?.next()
      source.emit(event)
      return JSON.parse(JSON.stringify((await result)?.value ?? 'the end'))
    },
    end: () => events?.return(undefined),
    waits: () => events?.next(),
  }
}

/** The AuthError that an iterator ended with, and the path where it stands. */
async function refusal(result: Promise<unknown>): Promise<unknown> {
  const error = await result.then(
    () => 'none',
    error => error,
  )
  if (!(error instanceof GraphQLError) || !(error.originalError instanceof AuthError)) return error
  const { code, details } = error.originalError
  return { code, ...details, path: error.path }
}

describe('each event of a guarded subscription', () => {
  it('is decided with the token that is present then', async () => {
    const token = { now: (await app.tokenWith(['admin'])) as string | undefined }
    const events = await listen('subscription { guarded }', token)
    expect(await events.next({ guarded: 'one' })).toEqual({ data: { guarded: 'one' } })
    token.now = await app.tokenWith([])
    expect(await refusal(events.next({ guarded: 'two' }))).toEqual({
      code: 'FORBIDDEN',
      required: { roles: ['admin'] },
      path: ['guarded'],
    })
    // Once, and not for each event: a stream of refusals would tell when something happens.
    expect(source.returned).toBe(1)
    token.now = await app.tokenWith(['admin'])
    expect(await events.next({ guarded: 'three' })).toBe('the end')
  })

  it('is refused with the reason, once the session has ended', async () => {
    const token = { now: await app.tokenWith(['admin']) }
    const events = await listen('subscription { guarded }', token)
    await app.send('mutation { logout }', { token: token.now })
    expect(await refusal(events.next({ guarded: 'one' }))).toEqual({
      code: 'UNAUTHENTICATED',
      reason: 'LOGGED_OUT',
      recover: 'LOGIN',
      path: ['guarded'],
    })
  })

  it('is decided by the guard of the type that the field returns, through lists too', async () => {
    const token = { now: await app.tokenWith([]) }
    const before = begun
    const refused = await listen('subscription { returning { text } }', token)
    expect(refused.answer.errors?.[0]?.originalError).toMatchObject({ code: 'FORBIDDEN' })
    expect(begun).toBe(before)
    token.now = await app.tokenWith(['admin'])
    const events = await listen('subscription { returning { text } }', token)
    expect(await events.next({ returning: [{ text: 'one' }] })).toEqual({
      data: { returning: [{ text: 'one' }] },
    })
    token.now = await app.tokenWith([])
    expect(await refusal(events.next({ returning: [] }))).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('is decided where the events come from the root value', async () => {
    const token = { now: undefined as string | undefined }
    const rootless = { rootless: begin }
    const refused = await listen('subscription { rootless }', token, rootless)
    expect(refused.answer.errors?.[0]?.originalError).toMatchObject({ code: 'UNAUTHENTICATED' })
    token.now = await app.tokenWith([])
    const events = await listen('subscription { rootless }', token, rootless)
    expect(await events.next({ rootless: 'one' })).toEqual({ data: { rootless: 'one' } })
    token.now = undefined
    expect(await refusal(events.next({ rootless: 'two' }))).toMatchObject({ reason: 'TOKEN_MISSING' })
  })

  it('leaves to graphql what is no stream of events', async () => {
    const token = { now: await app.tokenWith([]) }
    await expect(listen('subscription { broken }', token)).rejects.toThrow('must return Async Iterable')
  })
})

describe('a subscription without a guard', () => {
  it('decides the guarded fields of each event anew', async () => {
    const token = { now: await app.tokenWith(['admin']) }
    const events = await listen('subscription { mixed { open secret } }', token)
    const mixed = { open: 'open', secret: 'secret' }
    expect(await events.next({ mixed })).toEqual({ data: { mixed } })
    token.now = await app.tokenWith([])
    expect(await events.next({ mixed })).toMatchObject({
      data: { mixed: { open: 'open', secret: null } },
      errors: [{ path: ['mixed', 'secret'] }],
    })
    token.now = await app.tokenWith(['admin'])
    expect(await events.next({ mixed })).toEqual({ data: { mixed } })
  })
})

describe('a client that goes away', () => {
  it('ends the events at once, although the source waits for the next one', async () => {
    const events = await listen('subscription { guarded }', { now: await app.tokenWith(['admin']) })
    const waiting = events.waits()
    expect(await events.end()).toEqual({ done: true, value: undefined })
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(source.returned).toBe(1)
  })
})
