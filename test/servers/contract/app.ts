import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import { GraphQLError } from 'graphql'
import postgres from 'postgres'
import { AuthError } from '../../../src/errors.ts'
import type { SchemaExtension } from '../../../src/graphql/schema.ts'
import type { GraphQLContext } from '../../../src/request/context.ts'

/** What a resolver throws by mistake. No answer may show it. */
export const mistake = 'the-secret-of-a-resolver'

/** An app's own fields beside Annul's, and what its resolvers have done. */
export interface App {
  readonly extension: SchemaExtension
  /** How often a mutation behind a guard was carried out. */
  carriedOut: number
  /** How many subscriptions wait for the next event. */
  readonly listeners: number
  /** Sends an event to all subscriptions. */
  emit(event: number): void
  /** Stops `write` between its guard and its transaction. @returns a function that lets it go on */
  hold(): { readonly isReached: boolean; release(): void }
  /** The app's own table, in the database of Annul. */
  openNotes(databaseUrl: string): Promise<Notes>
}

/** Notes that the field `write` puts into a table, each in a transaction of its own. */
export interface Notes {
  of(owner: string): Promise<string[]>
  close(): Promise<void>
}

const typeDefs = /* GraphQL */ `
  extend type Query {
    news: String!
    greeting: String
    notes: String @auth
    edited: String @auth(roles: ["editor", "author"])
    scoped: String @auth(scopes: [["notes:read", "notes:write"], ["notes:all"]])
    recent: String @auth(maxAge: 300)
    strong: String @auth(mfa: true)
    vault: Vault
    vaults: [Vault!]
    broken: String
    closed: String
    busy: String
    tree: Tree
  }
  type Tree {
    tree(first: Int, last: Int, ids: [[ID!]!]): Tree
    pages(first: Int! = 50): [Tree!]
    leaf: Int
  }
  "Guarded wherever it is returned."
  type Vault @auth(roles: ["editor"]) {
    gold: Int!
    diamonds: Int @auth(scopes: [["diamonds"]])
  }
  enum Client { DRIZZLE POSTGRES }
  extend type Mutation {
    count: Int @auth
    countPublic: Int
    openVault: Vault
    write(text: String!, by: Client!): Boolean @auth
  }
  extend type Subscription {
    ticks: Int @auth(roles: ["editor"])
    recentTicks: Int @auth(maxAge: 3)
    strongTicks: Int @auth(mfa: true)
  }
`

export function createApp(): App {
  const waiting = new Set<(event: number) => void>()
  let gate: { isReached: boolean; opened: Promise<void> } | undefined
  let store: postgres.Sql | undefined

  async function* ticks(): AsyncGenerator<number> {
    for (;;)
      yield await new Promise<number>(resolve => {
        waiting.add(resolve)
      })
  }

  async function write(text: string, by: string, { auth }: GraphQLContext): Promise<boolean> {
    if (gate !== undefined) {
      gate.isReached = true
      await gate.opened
    }
    if (store === undefined) throw new Error('There is no table for notes.')
    if (by === 'DRIZZLE')
      await drizzle(store).transaction(async tx => {
        const { userId } = await auth.fence(tx)
        await tx.execute(sql`insert into public.notes values (${userId}, ${text})`)
      })
    else
      await store.begin(async tx => {
        const { userId } = await auth.fence(tx)
        await tx`insert into public.notes values (${userId}, ${text})`
      })
    return true
  }

  const app: App = {
    carriedOut: 0,
    get listeners() {
      return waiting.size
    },
    emit(event) {
      const told = [...waiting]
      waiting.clear()
      for (const tell of told) tell(event)
    },
    hold() {
      let release = () => {}
      const opened = new Promise<void>(resolve => {
        release = resolve
      })
      const held = { isReached: false, opened }
      gate = held
      return {
        get isReached() {
          return held.isReached
        },
        release() {
          gate = undefined
          release()
        },
      }
    },
    async openNotes(databaseUrl) {
      const opened = postgres(databaseUrl, { max: 4, onnotice: () => {} })
      store = opened
      await opened.unsafe('create table public.notes (owner uuid, body text)')
      return {
        of: async owner =>
          (await opened`select body from public.notes where owner = ${owner}`).map(({ body }) => body),
        close: () => opened.end(),
      }
    },
    extension: {
      typeDefs,
      resolvers: {
        Query: {
          news: () => 'It rains.',
          greeting: async (_source: unknown, _args: unknown, { auth }: GraphQLContext) =>
            (await auth.viewerOrNull())?.userId ?? 'stranger',
          notes: (_source: unknown, _args: unknown, { auth }: GraphQLContext) => auth.viewer().userId,
          edited: () => 'edited',
          scoped: () => 'scoped',
          recent: () => 'recent',
          strong: () => 'strong',
          vault: () => ({ gold: 3, diamonds: 4 }),
          vaults: () => [{ gold: 1 }, { gold: 2 }],
          broken: () => {
            throw new Error(mistake)
          },
          closed: () => {
            throw new GraphQLError('The shop is closed.', { extensions: { code: 'CLOSED', until: 9 } })
          },
          tree: () => ({}),
          busy: () => {
            throw new AuthError('TOO_MANY_REQUESTS', 'Not so fast.', { retryAfter: 7, recover: 'RETRY' })
          },
        },
        Tree: { tree: () => ({}), pages: () => [], leaf: () => 1 },
        Mutation: {
          count: () => ++app.carriedOut,
          countPublic: async (_source: unknown, _args: unknown, { auth }: GraphQLContext) =>
            (await auth.viewerOrNull()) ? ++app.carriedOut : 0,
          openVault: () => {
            app.carriedOut++
            return { gold: 3 }
          },
          write: (_source: unknown, { text, by }: { text: string; by: string }, context: GraphQLContext) =>
            write(text, by, context),
        },
        Subscription: {
          ticks: { subscribe: ticks, resolve: (event: number) => event },
          recentTicks: { subscribe: ticks, resolve: (event: number) => event },
          strongTicks: { subscribe: ticks, resolve: (event: number) => event },
        },
      },
    },
  }
  return app
}
