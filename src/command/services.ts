import type { Command } from 'commander'
import { listServices } from '../services/listServices.ts'
import type { Perform, Task } from './task.ts'

/** `annul services` */
export const services: Task<null> = {
  name: 'services',
  revokes: false,
  async run({ db }, _input, say) {
    const found = await listServices(db)
    if (found.length === 0)
      say('There are no services. Make one: annul create-service NAME --rights feed,introspect')
    for (const { name, rights, createdAt, secrets } of found) {
      say(`${name}: ${rights.join(', ')}; since ${createdAt.toISOString()}`)
      for (const secret of secrets) say(`  secret ${secret.id}, since ${secret.createdAt.toISOString()}`)
      if (secrets.length === 0) say('  no secret')
    }
  },
}

export function addServices(program: Command, perform: Perform): void {
  program
    .command(services.name)
    .description('list the services: names, rights, and the ids of their secrets')
    .action(() => perform(services, () => null))
}
