import { Command } from 'commander'
import type { Config } from '../config.ts'
import { addAuditVerify } from './auditVerify.ts'
import { addBlock } from './block.ts'
import { addCreateService } from './createService.ts'
import { addCreateUser } from './createUser.ts'
import { addEndService } from './endService.ts'
import { explain } from './explain.ts'
import { addGuards } from './guards.ts'
import { addImportUsers } from './importUsers.ts'
import { addMigrate } from './migrate.ts'
import { performWith } from './perform.ts'
import { addPurge } from './purge.ts'
import { addResetFactors } from './resetFactors.ts'
import { addRestored } from './restored.ts'
import { addRevokeEverything } from './revokeEverything.ts'
import { addRotateKeys } from './rotateKeys.ts'
import { addSchema } from './schema.ts'
import { addServe } from './serve.ts'
import { addServices } from './services.ts'
import { addSetAccess } from './setAccess.ts'
import { addSetPassword } from './setPassword.ts'
import { addUnblock } from './unblock.ts'
import { version } from './version.ts'

/**
 * Runs the command `annul` to its end. For `serve` it returns while the server runs.
 *
 * Nothing here loads GraphQL, which takes longer than most commands: those that need it load it when they run.
 *
 * @param args the arguments after the command's name; none: `serve`
 * @param readSettings reads the settings when they are needed, which `--help` does not. Throws ConfigError
 */
export async function runCommand(args: readonly string[], readSettings: () => Config): Promise<void> {
  const program = new Command('annul')
    .description('Auth for GraphQL. Settings are environment variables, listed in docs/settings.md.')
    .version(version)
    .showHelpAfterError()
  addServe(program, readSettings, say)
  const perform = performWith(readSettings, say)
  addMigrate(program, perform)
  addCreateUser(program, perform)
  addImportUsers(program, perform)
  addSetAccess(program, perform)
  addSetPassword(program, perform)
  addResetFactors(program, perform)
  addBlock(program, perform)
  addUnblock(program, perform)
  addRotateKeys(program, perform)
  addRevokeEverything(program, perform)
  addRestored(program, perform)
  addPurge(program, perform)
  addAuditVerify(program, perform)
  addCreateService(program, perform)
  addEndService(program, perform)
  addServices(program, perform)
  addGuards(program, say)
  addSchema(program, say)
  await program.parseAsync(args.length > 0 ? args : ['serve'], { from: 'user' }).catch(fail)
}

function say(...lines: string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''))
}

function fail(error: unknown): never {
  const { text, status } = explain(error)
  process.stderr.write(`${text}\n`)
  process.exit(status)
}
