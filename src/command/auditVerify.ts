import type { Command } from 'commander'
import { events, type Verification, verifySeals } from '../audit/verifySeals.ts'
import { loadSecrets } from '../tokens/secret.ts'
import { CommandError } from './explain.ts'
import type { Perform, Task } from './task.ts'

interface Options {
  readonly seal?: string
}

/** `annul audit verify` */
export const auditVerify: Task<Options> = {
  name: 'audit verify',
  revokes: false,
  async run({ db, config }, { seal }, say) {
    const secrets = await loadSecrets(config)
    const found = await verifySeals(db, { ...secrets, auditDays: config.auditDays, expected: seal })
    for (const line of told(found)) say(line)
    const { broken } = found
    if (broken !== undefined)
      throw new CommandError(`The audit is broken in the hour ${nameOf(broken.hour)}: ${broken.problem}.`)
    if (seal !== undefined && !found.foundExpected)
      throw new CommandError(
        'The audit is broken: no hour has the seal that was given. Hours were cut off, and perhaps sealed anew.',
      )
  },
}

function told({
  hours,
  events: sealed,
  purgedHours,
  last,
  unsealed,
  overdue,
  broken,
}: Verification): string[] {
  const upTo = broken === undefined ? '' : ' before the broken one'
  const lines = [
    `Checked ${hours === 1 ? '1 sealed hour' : `${hours} sealed hours`}${upTo}, with ${events(sealed)}.`,
  ]
  if (purgedHours > 0) lines.push(`Of them, ${purgedHours} were purged in their time: their seals hold.`)
  lines.push(`Not sealed yet: ${events(unsealed)}. An hour is sealed some minutes after its end.`)
  if (overdue > 0)
    lines.push(
      `Of these, ${overdue} are older than two hours: no server has run since, or the last seals were removed.`,
    )
  if (last !== undefined) lines.push(`The last seal that holds, of the hour ${nameOf(last.hour)}:`, last.seal)
  return lines
}

/** For example 2026-05-01T14:00Z. */
function nameOf(hour: Date): string {
  return hour.toISOString().replace(/:\d\d\.\d+Z$/, 'Z')
}

export function addAuditVerify(program: Command, perform: Perform): void {
  const audit = program.command('audit').description('about the audit events')
  audit
    .command('verify')
    .description(
      'check that no sealed audit event was removed, changed or added; exits with 1 at the first hour that is broken',
    )
    .option('--seal <seal>', 'a seal that an earlier run has printed: fails if no hour has it any more')
    .action(({ seal }: Options) =>
      perform(auditVerify, () => {
        if (seal !== undefined && !/^[0-9a-f]{144}$/.test(seal))
          throw new CommandError('--seal must be a seal as this command prints it: 144 hexadecimal digits.')
        return seal === undefined ? {} : { seal }
      }),
    )
}
