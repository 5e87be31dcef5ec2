import type { Command } from 'commander'
import { restored as endAll } from '../admin/revokeEverything.ts'
import { confirm } from './confirm.ts'
import type { Perform, Task } from './task.ts'

/** `annul restored` */
export const restored: Task<null> = {
  name: 'restored',
  revokes: true,
  async run(parts, _input, say) {
    await endAll(parts)
    say('Every session and token from before the restore has ended.')
  },
}

export function addRestored(program: Command, perform: Perform): void {
  program
    .command(restored.name)
    .description('run this after restoring a backup: everybody signs in again')
    .option('--yes', 'do not ask')
    .action(({ yes = false }: { yes?: boolean }) =>
      perform(restored, async () => {
        await confirm('This ends every session and token of everybody.', yes)
        return null
      }),
    )
}
