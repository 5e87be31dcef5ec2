import type { Command } from 'commander'
import { loadSecret } from '../tokens/secret.ts'
import { rotateSigningKeys } from '../tokens/signingKeys.ts'
import type { Perform, Task } from './task.ts'

/** `annul rotate-keys` */
export const rotateKeys: Task<null> = {
  name: 'rotate-keys',
  revokes: false,
  async run({ db, config }, _input, say) {
    const kid = await rotateSigningKeys(db, await loadSecret(config))
    say(`The key ${kid} signs in 60 seconds from now, when every node knows it.`)
  },
}

export function addRotateKeys(program: Command, perform: Perform): void {
  program
    .command(rotateKeys.name)
    .description('make a new signing key; tokens that the old one signed stay valid until they expire')
    .action(() => perform(rotateKeys, () => null))
}
