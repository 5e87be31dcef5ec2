#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Command } from 'commander'
import { createUser } from './accounts/register.ts'
import { restored, revokeEverything } from './admin/revokeEverything.ts'
import { checkAccess } from './admin/setUserAccess.ts'
import { appendAudit } from './audit/appendAudit.ts'
import { serve } from './command/serve.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { DirectoryInUseError } from './database/lockDirectory.ts'
import { type Database, type OpenDatabase, openDatabase } from './database/open.ts'
import { outageOf } from './database/outage.ts'
import { AuthError } from './errors.ts'
import { purge } from './housekeeping.ts'
import type { Log } from './log.ts'
import { openPasswords } from './passwords/hash.ts'
import type { RevocationService } from './revocation/createRevocation.ts'
import { type Fences, openFences } from './revocation/fence.ts'
import { openRevocation } from './revocation/open.ts'
import { loadSecret } from './tokens/secret.ts'
import { rotateSigningKeys, WrongSecretError } from './tokens/signingKeys.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('annul')
  .description('Auth for GraphQL. Settings are environment variables, listed in the README.')
  .version(version)
  .showHelpAfterError()

program
  .command('serve')
  .description('start the server (the default)')
  .action(() => serve(readConfig(process.env)))

program
  .command('migrate')
  .description('bring the tables up to date; "serve" does it by itself')
  .action(() => withDatabase(async () => say('The tables are up to date.')))

program
  .command('create-user')
  .description('make an account; the password is asked for, or read from standard input')
  .requiredOption('--email <email>', 'the e-mail to sign in with')
  .option('--roles <roles>', 'separated by commas, for example "admin"', '')
  .option('--scopes <scopes>', 'separated by commas', '')
  .action((options: { email: string; roles: string; scopes: string }) =>
    withDatabase(async ({ db }, config) => {
      const access = checkAccess({ roles: list(options.roles), scopes: list(options.scopes) })
      const password = await readPassword()
      const parts = { db, config, passwords: await openPasswords() }
      const id = await createUser(
        parts,
        { email: options.email, password, ...access },
        async (tx, userId) => {
          await appendAudit(tx, { kind: 'create-user', userId, detail: 'by the command' })
          return userId
        },
      )
      say(`Made the user ${id}.`)
    }),
  )

program
  .command('rotate-keys')
  .description('make a new signing key; tokens that the old one signed stay valid until they expire')
  .action(() =>
    withDatabase(async ({ db }, config) => {
      const kid = await rotateSigningKeys(db, await loadSecret(config))
      say(`The key ${kid} signs in 60 seconds from now, when every node knows it.`)
    }),
  )

program
  .command('revoke-everything')
  .description('end every session and token of everybody')
  .action(() =>
    withRevocation(async parts => {
      await revokeEverything(parts, null)
      say('Every session and token has ended.')
    }),
  )

program
  .command('restored')
  .description('run this after restoring a backup: everybody signs in again')
  .action(() =>
    withRevocation(async parts => {
      await restored(parts)
      say('Every session and token from before the restore has ended.')
    }),
  )

program
  .command('purge')
  .description('remove expired rows now; the nodes do it by themselves')
  .action(() =>
    withDatabase(async ({ db }, config) => {
      const { revocations, sessions, auditEvents, nodes } = await purge({ db, config })
      const rows = [`${revocations} rows of the log`, `${sessions} sessions`, `${auditEvents} audit events`]
      say(`Removed ${rows.join(', ')} and ${nodes} dead nodes.`)
    }),
  )

async function withDatabase(work: (database: OpenDatabase, config: Config) => Promise<void>): Promise<void> {
  const config = readConfig(process.env)
  const database = await openDatabase(config)
  try {
    await work(database, config)
  } finally {
    await database.close()
  }
}

const silent: Log = { info() {}, warn() {}, error() {} }

/** For commands that revoke: they too return when no node accepts what they killed. */
function withRevocation(
  work: (parts: { db: Database; revocation: RevocationService; fences: Fences }) => Promise<void>,
): Promise<void> {
  return withDatabase(async (database, config) => {
    const { db } = database
    const revocation = openRevocation(config, db, silent)
    await revocation.start()
    try {
      await work({ db, revocation, fences: openFences(database, silent) })
    } finally {
      await revocation.stop()
    }
  })
}

/** From a terminal without echo, else all of standard input up to its first line break. */
async function readPassword(): Promise<string> {
  const { stdin } = process
  if (!stdin.isTTY) {
    const chunks: Buffer[] = []
    for await (const chunk of stdin) chunks.push(chunk)
    return Buffer.concat(chunks)
      .toString()
      .replace(/\r?\n[\s\S]*$/, '')
  }
  process.stdout.write('Password: ')
  // A terminal echoes through the output, so the output goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output, terminal: true })
  return new Promise(resolve => {
    lines.once('line', line => {
      process.stdout.write('\n')
      lines.close()
      resolve(line)
    })
  })
}

function list(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const operatorErrors = [ConfigError, DirectoryInUseError, WrongSecretError, AuthError]

/** One sentence for what an operator can mend, the whole error for what they can't. */
function fail(error: unknown): never {
  const outage = outageOf(error)
  // A `syscall`: the port is taken, the directory can't be written, …
  const text =
    operatorErrors.some(kind => error instanceof kind) ||
    (error instanceof Error && 'syscall' in error && !outage)
      ? (error as Error).message
      : outage
        ? `The database at DATABASE_URL can't be reached: ${(outage.cause as Error).message || 'no answer'}.`
        : String(error instanceof Error ? error.stack : error)
  process.stderr.write(`${text}\n`)
  process.exit(error instanceof ConfigError ? 2 : 1)
}

await program.parseAsync(process.argv.length > 2 ? process.argv : [...process.argv, 'serve']).catch(fail)
