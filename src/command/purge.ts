import type { Command } from 'commander'
import { purge as removeAll } from '../housekeeping.ts'
import type { Perform, Task } from './task.ts'

/** `annul purge` */
export const purge: Task<null> = {
  name: 'purge',
  revokes: false,
  async run({ db }, _input, say) {
    const { revocations, sessions, nodes } = await removeAll(db)
    say(`Removed ${revocations} rows of the log, ${sessions} sessions and ${nodes} dead nodes.`)
  },
}

export function addPurge(program: Command, perform: Perform): void {
  program
    .command(purge.name)
    .description('remove expired rows now; the nodes do it by themselves')
    .action(() => perform(purge, () => null))
}
