import { sql } from 'drizzle-orm'
import type { SchemaExtension } from '../../src/graphql/schema.ts'
import type { Account, TokensAnswer } from './client.ts'
import { startTestServer, type TestServer } from './server.ts'
import { useFixture } from './useFixture.ts'

/** An app with fields of its own under `@auth`, and a user whose access a test chooses. */
export interface GuardedApp extends TestServer {
  readonly account: Account & TokensAnswer
  /** A new access token of the account, with these roles and scopes. */
  tokenWith(roles: string[], scopes?: string[]): Promise<string>
  /** Sends an operation. @returns status, data, and the path and extensions of each error */
  ask(query: string, token?: string): Promise<{ status: number; data: unknown; errors: unknown[] }>
}

/** A guarded app for all tests of the calling file or `describe`. */
export function useGuardedApp(extension: SchemaExtension): GuardedApp {
  return useFixture(() => startGuardedApp(extension))
}

async function startGuardedApp(extension: SchemaExtension): Promise<GuardedApp> {
  const server = await startTestServer({ extension })
  const account = await server.signUp()
  const list = (items: string[]) => sql`${JSON.stringify(items)}::jsonb`
  return {
    ...server,
    account,
    async tokenWith(roles, scopes = []) {
      await server.rows(
        sql`update annul.users set
            roles = array(select jsonb_array_elements_text(${list(roles)})),
            scopes = array(select jsonb_array_elements_text(${list(scopes)}))
          where id = ${account.userId}`,
      )
      return (await server.login(account)).accessToken
    },
    async ask(query, token) {
      const { status, data, errors = [] } = await server.send(query, token === undefined ? {} : { token })
      return { status, data, errors: errors.map(({ path, extensions }) => ({ path, ...extensions })) }
    },
  }
}

/** The error of a field that a viewer may not see. */
export function forbidden(
  required: { roles?: string[]; scopes?: string[][] },
  ...path: (string | number)[]
): object {
  return { path, code: 'FORBIDDEN', required }
}
