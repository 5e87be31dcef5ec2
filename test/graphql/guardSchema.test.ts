import { describe, expect, it } from '@jest/globals'
import {
  buildSchema,
  type ExecutionResult,
  execute,
  type GraphQLObjectType,
  GraphQLSchema,
  parse,
  printSchema,
  subscribe,
} from 'graphql'
import { type AuthError, unauthenticated } from '../../src/errors.ts'
import { guardSchema, hasPublicSubscription } from '../../src/graphql/directive.ts'
import type { Guarded } from '../../src/graphql/meets.ts'
import { extensionsWith, type ResolveReference, referencesOf } from '../../src/graphql/references.ts'

/* When a guard asks for a decision and what it does with it, without a server: directive.test.ts has one. */

const directive =
  'directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on OBJECT | FIELD_DEFINITION'

type Decision = Guarded | AuthError
const viewer = (...roles: string[]): Guarded => ({ roles, scopes: [], claims: { auth_time: 0 } })
const nobody = unauthenticated('TOKEN_MISSING')

/** A context that notes what is asked of it. `later` decisions come as promises, as they do where a node has to ask. */
function contextOf(...decisions: Decision[]) {
  const asked: string[] = []
  let at = 0
  const state = { later: false }
  const next = () => decisions[Math.min(at++, decisions.length - 1)] ?? nobody
  const auth = {
    decide(again?: boolean) {
      asked.push(again === undefined ? 'decide' : `decide ${again}`)
      return state.later ? Promise.resolve(next()) : next()
    },
    forget: () => void asked.push('forget'),
    now: () => 0,
  }
  return { auth, asked, state }
}

/** Builds and guards a schema. */
function guarded(
  sdl: string,
  resolvers: Record<string, Record<string, object>>,
  options = {},
): GraphQLSchema {
  const schema = buildSchema(`${directive} ${sdl}`)
  for (const [type, fields] of Object.entries(resolvers))
    for (const [field, config] of Object.entries(fields)) {
      const found = schema.getType(type)
      if (found && 'getFields' in found) Object.assign(found.getFields()[field] ?? {}, config)
    }
  return guardSchema(schema, options)
}

const messagesOf = ({ errors }: ExecutionResult) => errors?.map(({ message }) => message)
const notSignedIn = 'You are not signed in.'

describe('a guarded field', () => {
  const calls: unknown[][] = []
  const resolve = (...all: unknown[]) => {
    calls.push(all)
    return 'the secret'
  }
  const schema = guarded(
    'type Query { secret(of: Int): String @auth(roles: ["editor"]) open: String plain: String @auth }',
    { Query: { secret: { resolve }, open: { resolve } } },
  )
  const ask = (contextValue: unknown, source = '{ secret(of: 1) }') => {
    calls.length = 0
    return execute({ schema, document: parse(source), contextValue, rootValue: { plain: 'plain' } })
  }

  it.each([false, true])(
    'is resolved for whoever meets the guard, with all that a resolver gets (later: %p)',
    async later => {
      const context = contextOf(viewer('editor'))
      context.state.later = later
      const result = ask(context)
      // A decision from memory keeps the whole operation synchronous.
      expect(result instanceof Promise).toBe(later)
      expect(await result).toEqual({ data: { secret: 'the secret' } })
      expect(context.asked).toEqual(['decide false'])
      expect(calls).toEqual([
        [{ plain: 'plain' }, { of: 1 }, context, expect.objectContaining({ fieldName: 'secret' })],
      ])
    },
  )

  it.each([false, true])('is not resolved for anybody else (later: %p)', async later => {
    for (const [decision, message] of [
      [nobody, notSignedIn],
      [viewer('reader'), 'You may not do this.'],
    ] as const) {
      const context = contextOf(decision)
      context.state.later = later
      const result = await ask(context)
      expect([result.data, messagesOf(result)]).toEqual([{ secret: null }, [expect.any(String)]])
      if (decision === nobody) expect(messagesOf(result)).toEqual([message])
      else expect(result.errors?.[0]?.originalError).toMatchObject({ code: 'FORBIDDEN' })
      expect(calls).toEqual([])
    }
  })

  it('asks the context for each field, and an open one asks nothing', async () => {
    const context = contextOf(viewer('editor'))
    expect(await ask(context, '{ open secret plain }')).toEqual({
      data: { open: 'the secret', secret: 'the secret', plain: 'plain' },
    })
    expect(context.asked).toEqual(['decide false', 'decide false'])
    expect(await ask(undefined, '{ open }')).toEqual({ data: { open: 'the secret' } })
  })

  it('is not resolved where the context has no "auth", and the message says how to make it', async () => {
    const result = await ask({})
    expect([result.data, messagesOf(result)]).toEqual([
      { secret: null },
      ['The context has no "auth": make it by `await auth.context(…)`.'],
    ])
    expect(calls).toEqual([])
  })

  it('is decided anew where it is a root mutation field, and an open one forgets the decision', async () => {
    const mutations = guarded(
      'type Query { a: String @auth } type Mutation { a: String @auth b: String c: Inner } type Inner { a: String @auth }',
      { Query: {}, Mutation: { c: { resolve: () => ({ a: 'inner' }) } } },
    )
    const context = contextOf(viewer())
    const run = (contextValue: unknown, source: string) =>
      execute({ schema: mutations, document: parse(source), contextValue, rootValue: { a: 'a', b: 'b' } })
    expect(await run(context, 'mutation { a b c { a } again: a }')).toEqual({
      data: { a: 'a', b: 'b', c: { a: 'inner' }, again: 'a' },
    })
    expect(context.asked).toEqual(['decide true', 'forget', 'forget', 'decide false', 'decide true'])
    // Without Annul's context an open field is resolved all the same.
    for (const contextValue of [undefined, null, {}])
      expect(await run(contextValue, 'mutation { b }')).toEqual({ data: { b: 'b' } })
  })
})

describe('a guarded schema', () => {
  const sdl = 'type Query { secret: String @auth open: String } type Subscription { tick: Int @auth }'

  it('may be guarded once more, and nobody is decided about twice', async () => {
    const once = guarded(sdl, {})
    const twice = guardSchema(once)
    const context = contextOf(viewer())
    const result = await execute({
      schema: twice,
      document: parse('{ secret }'),
      contextValue: context,
      rootValue: { secret: 'secret' },
    })
    expect([result, context.asked]).toEqual([{ data: { secret: 'secret' } }, ['decide false']])
  })

  it('may be guarded once more with its open mutations, which forget the decision once', async () => {
    const once = guarded('type Query { a: String @auth } type Mutation { open: String }', {})
    const context = contextOf(viewer())
    const result = await execute({
      schema: guardSchema(once),
      document: parse('mutation { open }'),
      contextValue: context,
      rootValue: { open: 'open' },
    })
    expect([result, context.asked]).toEqual([{ data: { open: 'open' } }, ['forget']])
  })

  it('is the given one otherwise', () => {
    expect(printSchema(guarded(sdl, {}))).toBe(printSchema(buildSchema(`${directive} ${sdl}`)))
  })

  it('may call the directive by another name', async () => {
    const schema = guardSchema(
      buildSchema('directive @guard on FIELD_DEFINITION type Query { secret: String @guard }'),
      { directive: 'guard' },
    )
    // The name stays where it is guarded once more, or mapped by other tools.
    expect(() => guardSchema(schema)).not.toThrow()
    const rootValue = { secret: 'secret' }
    const ask = (contextValue: unknown) =>
      execute({ schema, document: parse('{ secret }'), contextValue, rootValue })
    expect((await ask(contextOf(nobody))).data).toEqual({ secret: null })
    expect(await ask(contextOf(viewer()))).toEqual({ data: { secret: 'secret' } })
  })

  it('is refused with an option that is mistyped, by the name of the function', () => {
    expect(() => guarded(sdl, {}, { directiv: 'guard' })).toThrow(
      new TypeError('guardSchema has no option "directiv". The nearest name is "directive".'),
    )
  })
})

describe('a subscription', () => {
  type Events = Record<string, unknown>
  async function* ticks(count = 3): AsyncGenerator<Events> {
    for (let tick = 1; tick <= count; tick++) yield { tick, open: tick }
  }
  const subscribed: unknown[][] = []
  const begin = (...all: unknown[]) => {
    subscribed.push(all)
    return ticks()
  }
  const mapped = ({ tick }: Events) => ({ tick })
  const schema = guarded(
    `type Query { a: String }
     type Tick @auth(roles: ["editor"]) { tick: Int }
     type Subscription {
       tick(of: Int): Int @auth open: Int mapped: Tick wrong: Int @auth
     }`,
    {
      Subscription: {
        tick: { subscribe: begin },
        open: { subscribe: begin },
        mapped: { subscribe: begin, resolve: mapped },
        wrong: { subscribe: () => 'no events' },
      },
    },
  )
  const start = (contextValue: unknown, source: string, rootValue: unknown = {}, of = schema) => {
    subscribed.length = 0
    return subscribe({ schema: of, document: parse(source), contextValue, rootValue })
  }
  const all = async (contextValue: unknown, source: string, rootValue: unknown = {}, of = schema) => {
    const started = await start(contextValue, source, rootValue, of)
    if (!(Symbol.asyncIterator in started)) return started
    const heard: ExecutionResult[] = []
    try {
      for await (const event of started) heard.push(event)
    } catch (error) {
      return { heard, error }
    }
    return { heard, error: undefined }
  }

  it('is decided before it begins, and once more before each event, whose fields share the decision', async () => {
    const context = contextOf(viewer())
    expect(await all(context, 'subscription { tick(of: 7) }')).toEqual({
      heard: [1, 2, 3].map(tick => ({ data: { tick } })),
      error: undefined,
    })
    expect(context.asked).toEqual(['decide false', ...Array(3).fill(['decide true', 'decide false']).flat()])
    expect(subscribed).toEqual([[{}, { of: 7 }, context, expect.objectContaining({ fieldName: 'tick' })]])
  })

  it('does not begin for anybody else', async () => {
    const result = await start(contextOf(nobody), 'subscription { tick }')
    expect(result).toMatchObject({ errors: [{ message: notSignedIn, path: ['tick'] }] })
    expect(subscribed).toEqual([])
  })

  it('ends with the event before which the guard is not met any more, at the path of the field', async () => {
    const context = contextOf(viewer(), viewer(), viewer(), nobody)
    const result = await all(context, 'subscription { name: tick }')
    expect(result).toMatchObject({
      heard: [{ data: { name: 1 } }],
      error: { message: notSignedIn, path: ['name'], locations: [{ line: 1, column: 16 }] },
    })
  })

  it('is guarded by the type of its events, too, and resolved by its own resolver', async () => {
    const context = contextOf(
      viewer('editor'),
      viewer('editor'),
      viewer('editor'),
      viewer('editor'),
      viewer('reader'),
    )
    const result = await all(context, 'subscription { mapped { tick } }')
    expect(result).toMatchObject({
      heard: [{ data: { mapped: { tick: 1 } } }],
      error: { path: ['mapped'], originalError: { code: 'FORBIDDEN' } },
    })
  })

  it('that is open forgets the decision before each event, and needs no context of Annul’s', async () => {
    const context = contextOf(viewer())
    const three = { heard: [1, 2, 3].map(open => ({ data: { open } })), error: undefined }
    expect(await all(context, 'subscription { open }')).toEqual(three)
    expect(context.asked).toEqual(['forget', 'forget', 'forget'])
    expect(await all({}, 'subscription { open }')).toEqual(three)
  })

  it('leaves it to graphql to refuse what is no stream of events', async () => {
    for (const wrong of ['no events', undefined, null, 7, {}]) {
      const of = guarded('type Query { a: String } type Subscription { wrong: Int @auth }', {
        Subscription: { wrong: { subscribe: () => wrong } },
      })
      const started = Promise.resolve(start(contextOf(viewer()), 'subscription { wrong }', {}, of))
      await expect(started).rejects.toThrow(/Subscription field must return Async Iterable\. Received: /)
    }
  })

  it('without a function of its own takes its events from the root value', async () => {
    const of = guarded('type Query { a: String } type Subscription { tick: Int @auth }', {})
    const rootValue = { tick: () => ticks(1) }
    expect(await all(contextOf(viewer()), 'subscription { tick }', rootValue, of)).toEqual({
      heard: [{ data: { tick: 1 } }],
      error: undefined,
    })
    expect(await all(contextOf(nobody), 'subscription { tick }', rootValue, of)).toMatchObject({
      errors: [{ message: notSignedIn }],
    })
  })

  it('that is guarded twice is decided about as often as one that is guarded once', async () => {
    const context = contextOf(viewer())
    await all(context, 'subscription { tick }', {}, guardSchema(schema))
    expect(context.asked).toEqual(['decide false', ...Array(3).fill(['decide true', 'decide false']).flat()])
  })

  it('is guarded where another schema takes its type for that of subscriptions', async () => {
    const parts = guarded('type Query { a: String } type Events { tick: Int @auth open: Int }', {
      Events: { tick: { subscribe: begin }, open: { subscribe: begin } },
    })
    const of = new GraphQLSchema({
      query: parts.getQueryType(),
      subscription: parts.getType('Events') as GraphQLObjectType,
    })
    expect(await start(contextOf(nobody), 'subscription { tick }', {}, of)).toMatchObject({
      errors: [{ message: notSignedIn }],
    })
    expect(subscribed).toEqual([])
    expect(await start(contextOf(viewer()), 'subscription { tick }', {}, of)).toHaveProperty('next')
    expect(await start({}, 'subscription { open }', {}, of)).toHaveProperty('next')
    expect(subscribed).toHaveLength(1)
  })

  it('is public where no guard stands before it', () => {
    const isPublic = (fields: string, more = '') =>
      hasPublicSubscription(guarded(`type Query { a: String @auth b: String } ${fields} ${more}`, {}))
    expect(isPublic('')).toBe(false)
    expect(isPublic('type Subscription { a: Int @auth }')).toBe(false)
    expect(isPublic('type Subscription { a: Int @auth b: Int }')).toBe(true)
    expect(isPublic('type Subscription { b: Int a: Int @auth }')).toBe(true)
    expect(isPublic('type Subscription { a: Int @auth }', 'type NoSubscription { b: Int }')).toBe(false)
    expect(isPublic('type Events { b: Int }', 'schema { query: Query subscription: Events }')).toBe(true)
    expect(isPublic('type Subscription { b: Int }', 'schema { query: Query }')).toBe(false)
  })
})

describe('the lookup of a gateway', () => {
  /** With a lookup by reference, as @apollo/subgraph keeps it. */
  function withLookup(sdl: string, type: string, lookUp: ResolveReference<unknown>): GraphQLSchema {
    const schema = buildSchema(`${directive} ${sdl}`)
    const found = schema.getType(type)
    if (!found) throw new Error('There is no such type.')
    found.extensions = extensionsWith({ extensions: { kept: 1, apollo: { kept: 2 } } }, lookUp)
    return guardSchema(new GraphQLSchema(schema.toConfig()))
  }
  const sdl = (guard: string) => `
    interface Thing { id: ID }
    type Book implements Thing ${guard} { id: ID }
    type Query { book: Book things: [Thing] }`
  const info = { fieldName: '_entities' } as never

  it.each(['Book', 'Thing'])(
    'of %s is guarded as its fields are, and rejects for anybody else',
    async type => {
      const calls: unknown[][] = []
      const schema = withLookup(sdl('@auth(roles: ["editor"])'), type, (...all) => {
        calls.push(all)
        return { id: 1 }
      })
      const found = schema.getType(type)
      if (!found) throw new Error('There is no such type.')
      expect(found.extensions).toMatchObject({ kept: 1, apollo: { kept: 2 } })
      const lookUp = referencesOf<unknown>(found)
      const context = contextOf(viewer('editor'))
      expect(await lookUp?.({ id: 1 }, context, info)).toEqual({ id: 1 })
      expect(calls).toEqual([[{ id: 1 }, context, info]])
      expect(context.asked).toEqual(['decide false'])
      // A refusal rejects one entity of the list. If it were thrown, it would reject the whole list.
      const refused = lookUp?.({ id: 1 }, contextOf(nobody), info)
      await expect(refused).rejects.toBe(nobody)
      expect(calls).toHaveLength(1)
      // Guarded once more, it asks once.
      const again = contextOf(viewer('editor'))
      const twice = guardSchema(schema).getType(type)
      expect(twice && (await referencesOf<unknown>(twice)?.({ id: 1 }, again, info))).toEqual({ id: 1 })
      expect(again.asked).toEqual(['decide false'])
      expect(printSchema(schema)).toBe(
        printSchema(buildSchema(`${directive} ${sdl('@auth(roles: ["editor"])')}`)),
      )
    },
  )

  it.each(['Book', 'Thing'])('of %s without a guard stays as it is', async type => {
    const lookUp = () => ({ id: 1 })
    const found = withLookup(sdl(''), type, lookUp).getType(type)
    expect(found && referencesOf<unknown>(found)).toBe(lookUp)
  })
})
