import type { Command } from 'commander'
import type { Perform, Task } from './task.ts'

/** `annul migrate`: opening the database is what brings the tables up to date. */
export const migrate: Task<null> = {
  name: 'migrate',
  revokes: false,
  async run(_parts, _input, say) {
    say('The tables are up to date.')
  },
}

export function addMigrate(program: Command, perform: Perform): void {
  program
    .command(migrate.name)
    .description('bring the tables up to date; "serve" does it by itself')
    .action(() => perform(migrate, () => null))
}
