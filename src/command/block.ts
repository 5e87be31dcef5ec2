import type { Command } from 'commander'
import { blockUser } from '../admin/blockUser.ts'
import { type Account, idOf, readAccount } from './account.ts'
import type { Perform, Task } from './task.ts'

/** `annul block` */
export const block: Task<Account> = {
  name: 'block',
  revokes: true,
  async run(parts, account, say) {
    const { id } = await blockUser(parts, null, {
      id: await idOf(parts.db, account),
      reason: 'by the command',
    })
    say(`The user ${id} is blocked, and all sessions of the account have ended.`)
  },
}

export function addBlock(program: Command, perform: Perform): void {
  program
    .command(block.name)
    .description('block an account: its sessions end, and nobody signs in with it')
    .option('--email <email>', 'the e-mail of the account')
    .option('--id <id>', 'or its id')
    .action((options: Account) => perform(block, () => readAccount(options)))
}
