import type { Command } from 'commander'
import { resetFactors as reset } from '../admin/resetFactors.ts'
import { type Account, idOf, readAccount } from './account.ts'
import { confirm } from './confirm.ts'
import type { Perform, Task } from './task.ts'

/** `annul reset-factors` */
export const resetFactors: Task<Account> = {
  name: 'reset-factors',
  revokes: true,
  async run(parts, account, say) {
    const { id } = await reset(parts, null, { id: await idOf(parts.db, account) })
    say(`The user ${id} has no second factor, and all sessions of the account have ended.`)
  },
}

interface Options extends Account {
  readonly yes?: boolean
}

export function addResetFactors(program: Command, perform: Perform): void {
  program
    .command(resetFactors.name)
    .description(
      'remove the second factors, passkeys and recovery codes of an account, and end its sessions; at once, also where ' +
        'the account asks for a delay',
    )
    .option('--email <email>', 'the e-mail of the account')
    .option('--id <id>', 'or its id')
    .option('--yes', 'do not ask')
    .action(({ yes = false, ...options }: Options) =>
      perform(resetFactors, async () => {
        const account = readAccount(options)
        const name = account.email ?? account.id
        await confirm(
          `This removes all second factors of ${name}, and ends all sessions of the account.`,
          yes,
        )
        return account
      }),
    )
}
