import type { Command } from 'commander'
import { checkAccess, setUserAccess } from '../admin/setUserAccess.ts'
import { type Account, idOf, readAccount } from './account.ts'
import { listOption } from './listOption.ts'
import type { Perform, Task } from './task.ts'

interface Access {
  readonly account: Account
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
}

/** `annul set-access` */
export const setAccess: Task<Access> = {
  name: 'set-access',
  revokes: true,
  async run(parts, { account, roles, scopes }, say) {
    const id = await idOf(parts.db, account)
    const user = await setUserAccess(parts, null, { id, roles, scopes })
    say(`The user ${user.id} has the roles: ${told(user.roles)}; and the scopes: ${told(user.scopes)}.`)
  },
}

function told(names: readonly string[]): string {
  return names.join(', ') || 'none'
}

interface Options extends Account {
  readonly roles: string
  readonly scopes: string
}

export function addSetAccess(program: Command, perform: Perform): void {
  program
    .command(setAccess.name)
    .description('set all roles and scopes of an account; they replace those that it has')
    .option('--email <email>', 'the e-mail of the account')
    .option('--id <id>', 'or its id')
    .requiredOption('--roles <roles>', 'separated by commas; "" for none')
    .option('--scopes <scopes>', 'separated by commas', '')
    .action((options: Options) =>
      perform(setAccess, () => {
        const access = checkAccess({ roles: listOption(options.roles), scopes: listOption(options.scopes) })
        return { account: readAccount(options), ...access }
      }),
    )
}
