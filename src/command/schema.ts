import { type Command, Option } from 'commander'
import {
  type ContractFormat,
  contractFormats,
  type SubgraphSecurity,
  securities,
} from '../graphql/contractFormats.ts'
import { CommandError } from './explain.ts'

interface SchemaOptions {
  readonly format: ContractFormat
  readonly security?: SubgraphSecurity
}

/** Adds `annul schema`, which needs neither settings nor a database. */
export function addSchema(program: Command, say: (...lines: string[]) => void): void {
  program
    .command('schema')
    .description(
      "print Annul's SDL to standard output: as it is served, as a subgraph of Apollo Federation 2, or for a gateway that " +
        'stitches schemas by directives.',
    )
    .addOption(
      new Option('--format <format>', 'what the SDL is for').choices(contractFormats).default('plain'),
    )
    .addOption(
      new Option(
        '--security <directives>',
        'what tells a gateway of guards, with --format federation: @auth alone, or @authenticated, @requiresScopes ' +
          'and @policy beside it (default: "annul")',
      ).choices(securities),
    )
    .action(async ({ format, security }: SchemaOptions) => {
      if (security !== undefined && format !== 'federation')
        throw new CommandError(`--security goes with --format federation, and not with ${format}.`)
      const { printContract } = await import('../graphql/printContract.ts')
      say(printContract(format, security ?? 'annul'))
    })
}
