import type { Command } from 'commander'
import { createService as create } from '../services/createService.ts'
import { listOption } from './listOption.ts'
import type { Perform, Task } from './task.ts'

interface NewService {
  readonly name: string
  /** null: none given, for the next secret of a service. */
  readonly rights: readonly string[] | null
}

/** `annul create-service` */
export const createService: Task<NewService> = {
  name: 'create-service',
  revokes: false,
  async run(parts, { name, rights: given }, say) {
    const { rights, secretId, secret, isFurther } = await create(parts, { name, rights: given })
    say(
      isFurther
        ? `The service ${name} lives, so this is its next secret. When every process uses it, end the former one.`
        : `Made the service ${name} with the rights: ${rights.join(', ')}.`,
    )
    say(`The secret ${secretId} is shown only now. Give it to the service as ANNUL_SERVICE:`)
    say(secret)
  },
}

export function addCreateService(program: Command, perform: Perform): void {
  program
    .command(createService.name)
    .description('make a service, or the next secret of one; the secret is shown once')
    .argument('<name>', 'the name: 1 to 64 characters of a-z, 0-9 and "-"')
    .option(
      '--rights <rights>',
      'separated by commas: feed, introspect, revoke; of a service that lives: none',
    )
    .action((name: string, { rights }: { rights?: string }) =>
      perform(createService, () => ({ name, rights: rights === undefined ? null : listOption(rights) })),
    )
}
