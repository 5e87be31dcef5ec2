import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { SchemaExtension } from '../../src/graphql/schema.ts'
import { type BudgetKey, budgetKeys } from '../../src/limits/keys.ts'
import { type GraphQLContext, stateOf } from '../../src/request/context.ts'
import { login } from '../../src/sessions/login.ts'
import type { Answer, TokensAnswer } from '../support/client.ts'
import { type TestServer, type TestServerOptions, useServer } from '../support/server.ts'

/**
 * A field that does what login does, and answers null where login is refused. `login` itself is non-null: its first
 * refusal ends the operation, and no field after it is resolved.
 */
export const attempts: SchemaExtension = {
  typeDefs: 'extend type Query { attempt(input: LoginInput!): Boolean }',
  resolvers: {
    Query: {
      async attempt(
        _: unknown,
        { input }: { input: { email: string; password: string } },
        context: GraphQLContext,
      ) {
        const { parts, visitor } = stateOf(context.auth)
        await login(parts, visitor, input)
        return true
      },
    },
  },
}

/** 50 attempts in one operation. Fields of a query are resolved all at once. */
export const fiftyAttempts = `query ($input: LoginInput!) { ${Array.from(
  { length: 50 },
  (_, index) => `a${index}: attempt(input: $input)`,
).join(' ')} }`

/** A server with limits, which takes the address of a request from X-Forwarded-For. */
export const useLimitedServer = (options: TestServerOptions = {}): TestServer =>
  useServer({ ...options, env: limited })

export const limited = { ANNUL_LIMITS: 'on', ANNUL_TRUSTED_PROXIES: '127.0.0.1' }

const tokenFields = 'accessToken refreshToken session { id } user { id }'

export interface Sender {
  /** Default: 127.0.0.1, as the connection is. */
  readonly from?: string
  /** The device token that the client sends. */
  readonly device?: string
}

export const headersOf = ({ from, device }: Sender): Record<string, string> => ({
  ...(from !== undefined && { 'x-forwarded-for': from }),
  ...(device !== undefined && { 'annul-device': device }),
})

/** Signs in. @returns the answer, refusals included */
export function logIn(
  server: TestServer,
  { email, password }: { email: string; password: string },
  sender: Sender = {},
): Promise<Answer<{ login: TokensAnswer }>> {
  return server.send(`mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`, {
    variables: { input: { email, password } },
    headers: headersOf(sender),
  })
}

/** The device token that an answer gives to the client. */
export function deviceOf({ headers }: Answer<unknown>): string {
  const token = headers.get('annul-device')
  if (token === null) throw new Error('The answer has no device token.')
  return token
}

export const newEmail = () => `user-${randomBytes(6).toString('hex')}@example.com`
/** An address of the documentation's range (RFC 3849) in a network that no other has. */
export const newAddress = () =>
  `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`

/** How many passwords the node has hashed so far. */
export async function hashesOf({ auth }: TestServer): Promise<number> {
  const metric = await auth.parts.metrics.registry.getSingleMetric('annul_password_hashes_total')?.get()
  return metric?.values[0]?.value ?? 0
}

/** How many attempts the budget has refused on the node. */
export async function refusedBy({ auth }: TestServer, budget: string): Promise<number> {
  const metric = await auth.parts.metrics.registry.getSingleMetric('annul_limited_total')?.get()
  return metric?.values.find(({ labels }) => labels.budget === budget)?.value ?? 0
}

/** The keys of a node's budgets. */
export function keysOf({ env }: TestServer): BudgetKey {
  return budgetKeys(Buffer.from(env.ANNUL_SECRET ?? '', 'base64'))
}

/** Makes accounts by SQL, with the password hash of another account: each sign-up would cost a hash. */
export async function copyAccounts(server: TestServer, userId: string, count: number): Promise<string[]> {
  const emails = Array.from({ length: count }, newEmail)
  for (const email of emails)
    await server.rows(sql`insert into annul.users (id, email, email_key, password_hash)
      select ${randomUUID()}, ${email}, ${email}, password_hash from annul.users where id = ${userId}`)
  return emails
}

/** Lets time pass for every budget. Only for the budgets of the database. */
export async function passTime(server: TestServer, seconds: number): Promise<void> {
  await server.rows(sql`update annul.budgets set spent_at = spent_at - make_interval(secs => ${seconds})`)
}
