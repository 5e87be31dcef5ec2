import type { Command } from 'commander'
import { purge as removeAll } from '../housekeeping.ts'
import type { Perform, Task } from './task.ts'

/** `annul purge` */
export const purge: Task<null> = {
  name: 'purge',
  revokes: false,
  async run(parts, _input, say) {
    const { revocations, sessions, auditEvents, nodes } = await removeAll(parts)
    const rows = [`${revocations} rows of the log`, `${sessions} sessions`, `${auditEvents} audit events`]
    say(`Removed ${rows.join(', ')} and ${nodes} dead nodes.`)
  },
}

export function addPurge(program: Command, perform: Perform): void {
  program
    .command(purge.name)
    .description('remove expired rows now; the nodes do it by themselves')
    .action(() => perform(purge, () => null))
}
