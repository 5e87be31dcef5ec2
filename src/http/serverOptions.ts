import type { AppOptions } from '../app/options.ts'
import type { Auth, AuthOptions } from '../auth.ts'
import type { SchemaExtension } from '../graphql/schema.ts'

export interface RunningServer {
  /** `http://HOST:PORT`, with the port that was really taken. */
  readonly url: string
  readonly auth: Auth
  /** Stops accepting, finishes what is in flight, closes the database. */
  close(): Promise<void>
}

export interface ServerOptions extends AppOptions, Pick<AuthOptions, 'rename' | 'bounds'> {
  /** An app's own schema beside Annul's. */
  readonly extension?: SchemaExtension
  /** pino's level; default ANNUL_LOG_LEVEL. */
  readonly logLevel?: string
  /** Where log lines go; default standard output. */
  readonly logStream?: { write(line: string): void }
}
