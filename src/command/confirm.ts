import { CommandError } from './explain.ts'
import { isTerminal, readLine } from './readLine.ts'

/**
 * Asks the operator before a command that can't be undone.
 *
 * @param what the command does, as a sentence
 * @param yes whether the operator has confirmed it by `--yes`
 * @throws CommandError when the answer is not "yes", or nobody can be asked
 */
export async function confirm(what: string, yes: boolean): Promise<void> {
  if (yes) return
  if (!isTerminal()) throw new CommandError(`${what} There is no terminal to ask at: confirm it with --yes.`)
  const answer = await readLine(`${what} Type "yes" to go on: `)
  if (answer?.trim().toLowerCase() !== 'yes') throw new CommandError('Nothing was done.')
}
