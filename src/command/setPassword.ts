import type { Command } from 'commander'
import { setPassword as set } from '../admin/setPassword.ts'
import { type Account, idOf, readAccount } from './account.ts'
import { readPassword } from './readPassword.ts'
import type { Perform, Task } from './task.ts'

/** `annul set-password` */
export const setPassword: Task<{ account: Account; password: string }> = {
  name: 'set-password',
  revokes: true,
  async run(parts, { account, password }, say) {
    const { id } = await set(parts, { id: await idOf(parts.db, account), password })
    say(`The user ${id} has the new password, and all sessions of the account have ended.`)
  },
}

export function addSetPassword(program: Command, perform: Perform): void {
  program
    .command(setPassword.name)
    .description(
      'give an account another password, and end its sessions; asked for, or read from standard input',
    )
    .option('--email <email>', 'the e-mail of the account')
    .option('--id <id>', 'or its id')
    .action((options: Account) =>
      perform(setPassword, async () => ({
        account: readAccount(options),
        password: await readPassword(),
      })),
    )
}
