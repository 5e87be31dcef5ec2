import { constants, createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import type { Command } from 'commander'
import { type Imported, importUsers as importLines } from '../accounts/importUsers.ts'
import { loadSecrets } from '../tokens/secret.ts'
import { checkSecret } from '../tokens/signingKeyRows.ts'
import { CommandError } from './explain.ts'
import { linesOf } from './linesOf.ts'
import type { Perform, Task } from './task.ts'

/** Lines between two words about the progress. */
const progressLines = 100_000

/** `annul import-users` */
export const importUsers: Task<null> = {
  name: 'import-users',
  revokes: false,
  async run({ app, db, config }, _input, say, bytes) {
    let told = 0
    let sum: Imported = { imported: 0, present: 0, refused: 0 }
    const { secret, previous } = await loadSecrets(config)
    await checkSecret(db, secret, previous)
    try {
      sum = await importLines({ app, db }, secret, linesOf(bytes), {
        onRefused: (line, reason) => say(`Line ${line} is refused. ${reason}`),
        onBatch(current) {
          sum = { ...current }
          const done = sum.imported + sum.present + sum.refused
          if (done < told + progressLines) return
          told = done
          say(`${done} lines so far.`)
        },
      })
    } catch (error) {
      say(`${toldOf(sum)} This is not the end of the file. Run the command again, and it goes on.`)
      throw error
    }
    say(toldOf(sum))
    if (sum.refused > 0)
      throw new CommandError(
        'Correct the refused lines and import the file again: the users that are there stay as they are.',
      )
  },
}

function toldOf({ imported, present, refused }: Imported): string {
  return `Users imported: ${imported}. There already: ${present}. Lines refused: ${refused}.`
}

export function addImportUsers(program: Command, perform: Perform): void {
  program
    .command(importUsers.name)
    .description('make the accounts of another system, with their passwords (docs/import.md)')
    .argument('<file>', 'lines of JSON, an account each; "-" for standard input')
    .action((file: string) =>
      perform(
        importUsers,
        async () => {
          if (file !== '-') await access(file, constants.R_OK)
          return null
        },
        () => (file === '-' ? process.stdin : createReadStream(file)),
      ),
    )
}
