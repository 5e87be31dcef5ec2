import { describe, expect, it } from '@jest/globals'
import { compile } from '../support/compile.ts'

/* The types of what an app adds, as the app sees them. */

const app = /* TypeScript */ `
import { type AppUser, type AuditEvent, createAuth, type GraphQLContext, type Hooks, type HookTransaction } from 'annul'
import { drizzleOf } from 'annul/drizzle'
import { sessions, users } from 'annul/tables'
import { eq } from 'drizzle-orm'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'

const profiles = pgTable('profiles', {
  userId: uuid('user_id').primaryKey().references(() => users.id),
  name: text('name').notNull(),
})
const hooks: Hooks = {
  registered: async (tx, user) => {
    await drizzleOf(tx).insert(profiles).values({ userId: user.id, name: user.email ?? '' })
  },
  deleted: async (tx: HookTransaction, { id }: AppUser) => {
    const [row] = await tx.query<{ name: string }>('delete from profiles where user_id = $1 returning name', [id])
    const name: string | undefined = row?.name
    const [joined] = await drizzleOf(tx)
      .select({ email: users.email, agent: sessions.userAgent })
      .from(users).innerJoin(sessions, eq(sessions.userId, users.id))
    const email: string | null | undefined = joined?.email
    return void [name, email]
  },
}
export const auth = await createAuth({
  claims: user => ({ tenant: user.email?.split('@')[1] ?? null, levels: [1, 2], shop: { id: 7 } }),
  hooks,
  onEvent: async (event: AuditEvent) => {
    const [kind, at]: [string, Date] = [event.kind, event.at]
    await Promise.resolve([kind, at])
  },
})
export function tenantOf({ auth }: GraphQLContext): string | undefined {
  const { claims } = auth.viewer()
  const sid: string | null = claims.sid
  const { tenant } = claims
  return typeof tenant === 'string' ? tenant : (sid ?? undefined)
}
`

/** Each line but the first is an error. */
const mistakes = /* TypeScript */ `
import { createAuth } from 'annul'
import { users } from 'annul/tables'
createAuth({ claims: async () => ({ tenant: 'x' }) })
createAuth({ hooks: { register: () => {} } })
createAuth({ hooks: { registered: async tx => { await tx.query('select $1', [{ a: 1 }]) } } })
users.passwordHash
`

const packages = ['graphql', 'drizzle-orm']

describe('the types of what an app adds', () => {
  it('compile in a strict app that checks declarations too', async () => {
    expect(await compile(app, packages)).toEqual([])
  })

  it('show mistakes', async () => {
    const lines = (await compile(mistakes, packages)).map(line => line.match(/app\.ts\((\d+),/)?.[1])
    expect(lines).toEqual(['4', '5', '6', '7'])
  })
})
