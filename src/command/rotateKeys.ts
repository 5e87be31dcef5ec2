import type { Command } from 'commander'
import { revokeKey as revoke } from '../admin/revokeKey.ts'
import { rotateKeys as rotate } from '../admin/rotateKeys.ts'
import { confirm } from './confirm.ts'
import type { Perform, Task } from './task.ts'

/** `annul rotate-keys` */
export const rotateKeys: Task<null> = {
  name: 'rotate-keys',
  revokes: false,
  async run(parts, _input, say) {
    say(`The key ${await rotate(parts)} signs in 60 seconds from now, when every node knows it.`)
  },
}

interface RevokeKey {
  readonly kid?: string
}

/** `annul rotate-keys --revoke` */
export const revokeKey: Task<RevokeKey> = {
  name: 'rotate-keys --revoke',
  revokes: true,
  async run(parts, { kid }, say) {
    const { kid: revoked, signer } = await revoke(parts, kid)
    say(
      `The key ${revoked} is revoked: no node accepts a token that it has signed. The key ${signer} signs now.`,
    )
  },
}

interface Options {
  /** true: without a kid. */
  readonly revoke?: string | true
  readonly yes?: boolean
}

export function addRotateKeys(program: Command, perform: Perform): void {
  program
    .command(rotateKeys.name)
    .description('make a new signing key; tokens that the old one signed stay valid until they expire')
    .option(
      '--revoke [kid]',
      'the private half of a key is known to somebody else: refuse every token that it has signed. Default: the key that signs now',
    )
    .option('--yes', 'do not ask')
    .action(({ revoke: asked, yes = false }: Options) =>
      asked === undefined
        ? perform(rotateKeys, () => null)
        : perform(revokeKey, async () => {
            const which = asked === true ? 'the key that signs now' : `the key ${asked}`
            await confirm(`This ends every access token that ${which} has signed; sessions go on.`, yes)
            return asked === true ? {} : { kid: asked }
          }),
    )
}
