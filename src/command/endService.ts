import type { Command } from 'commander'
import { endService as end } from '../services/endService.ts'
import { confirm } from './confirm.ts'
import type { Perform, Task } from './task.ts'

interface Ended {
  readonly name: string
  /** null: the service itself. */
  readonly secretId: string | null
}

/** `annul end-service` */
export const endService: Task<Ended> = {
  name: 'end-service',
  revokes: false,
  async run(parts, { name, secretId }, say) {
    await end(parts, { name, secretId })
    say(
      secretId === null
        ? `The service ${name} has ended: no node accepts its secrets, and its feeds close within two seconds.`
        : `The secret ${secretId} of the service ${name} has ended: no node accepts it, and its feeds close within two seconds.`,
    )
  },
}

export function addEndService(program: Command, perform: Perform): void {
  program
    .command(endService.name)
    .description('end a service with all its secrets, or one secret')
    .argument('<name>', 'the name of the service')
    .option('--secret <id>', 'the id of the secret to end, as "annul services" lists it; the others stay')
    .option('--yes', 'do not ask')
    .action((name: string, { secret, yes = false }: { secret?: string; yes?: boolean }) =>
      perform(endService, async () => {
        const what =
          secret === undefined ? `the service ${name}` : `the secret ${secret} of the service ${name}`
        await confirm(`This ends ${what}. Processes that still use it are refused.`, yes)
        return { name, secretId: secret ?? null }
      }),
    )
}
