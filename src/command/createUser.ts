import type { Command } from 'commander'
import { createUser as create } from '../accounts/register.ts'
import { checkAccess } from '../admin/setUserAccess.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { listOption } from './listOption.ts'
import { readPassword } from './readPassword.ts'
import type { Perform, Task } from './task.ts'

export interface NewUser {
  readonly email: string
  readonly password: string
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
}

/** `annul create-user` */
export const createUser: Task<NewUser> = {
  name: 'create-user',
  revokes: false,
  async run(parts, { email, password, ...access }, say) {
    const id = await create(parts, { email, password, ...checkAccess(access) }, async (tx, userId) => {
      await appendAudit(tx, { kind: 'create-user', ...byViewer(null), userId })
      return userId
    })
    say(`Made the user ${id}.`)
  },
}

interface Options {
  readonly email: string
  readonly roles: string
  readonly scopes: string
}

export function addCreateUser(program: Command, perform: Perform): void {
  program
    .command(createUser.name)
    .description('make an account; the password is asked for, or read from standard input')
    .requiredOption('--email <email>', 'the e-mail to sign in with')
    .option('--roles <roles>', 'separated by commas, for example "admin"', '')
    .option('--scopes <scopes>', 'separated by commas', '')
    .action((options: Options) =>
      perform(createUser, async () => {
        const access = checkAccess({ roles: listOption(options.roles), scopes: listOption(options.scopes) })
        return { email: options.email, ...access, password: await readPassword() }
      }),
    )
}
