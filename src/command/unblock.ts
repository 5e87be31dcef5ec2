import type { Command } from 'commander'
import { unblockUser } from '../admin/blockUser.ts'
import { type Account, idOf, readAccount } from './account.ts'
import type { Perform, Task } from './task.ts'

/** `annul unblock` */
export const unblock: Task<Account> = {
  name: 'unblock',
  revokes: false,
  async run(parts, account, say) {
    const { id } = await unblockUser(parts, null, { id: await idOf(parts.db, account) })
    say(`The user ${id} is not blocked, and may sign in.`)
  },
}

export function addUnblock(program: Command, perform: Perform): void {
  program
    .command(unblock.name)
    .description('let a blocked account sign in again; what the block ended stays ended')
    .option('--email <email>', 'the e-mail of the account')
    .option('--id <id>', 'or its id')
    .action((options: Account) => perform(unblock, () => readAccount(options)))
}
