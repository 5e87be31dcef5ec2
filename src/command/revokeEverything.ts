import type { Command } from 'commander'
import { revokeEverything as revoke } from '../admin/revokeEverything.ts'
import { confirm } from './confirm.ts'
import type { Perform, Task } from './task.ts'

/** `annul revoke-everything` */
export const revokeEverything: Task<null> = {
  name: 'revoke-everything',
  revokes: true,
  async run(parts, _input, say) {
    await revoke(parts, null)
    say('Every session and token has ended.')
  },
}

export function addRevokeEverything(program: Command, perform: Perform): void {
  program
    .command(revokeEverything.name)
    .description('end every session and token of everybody')
    .option('--yes', 'do not ask')
    .action(({ yes = false }: { yes?: boolean }) =>
      perform(revokeEverything, async () => {
        await confirm('This ends every session and token of everybody.', yes)
        return null
      }),
    )
}
