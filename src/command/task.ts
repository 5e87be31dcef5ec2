import type { Parts } from '../parts.ts'

/** What a task works with. */
export type TaskParts = Pick<Parts, 'app' | 'config' | 'db' | 'fences' | 'passwords' | 'revocation'>

/**
 * What a command does with the database, apart from how it is asked for. It runs in the command's own process, or in
 * the running server that has the embedded database open (controlServer.ts).
 */
export interface Task<Input> {
  /** The command's name, as it is typed. */
  readonly name: string
  /** Whether it kills tokens: then it returns when no node accepts them. */
  readonly revokes: boolean
  /**
   * @param input plain JSON; the verb that is called checks it
   * @param say takes a line for the operator
   * @param bytes what the operator gives beside the input: a file, or standard input. Ended for other commands
   * @throws AuthError, CommandError, ConfigError, WrongSecretError with a sentence for the operator
   */
  run(
    parts: TaskParts,
    input: Input,
    say: (line: string) => void,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<void>
}

/** For a task that reads nothing beside its input. */
export async function* noBytes(): AsyncGenerator<Uint8Array> {}

/**
 * Performs a task where the database is.
 *
 * @param read makes the task's input, perhaps by asking the operator. The settings are read before, so that nobody
 *   types a password for settings that are wrong; the database is opened after, so that nothing waits for the typing
 * @param open opens the bytes that the task reads, beside its input; default: none
 */
export type Perform = <Input>(
  task: Task<Input>,
  read: () => Input | Promise<Input>,
  open?: () => AsyncIterable<Uint8Array>,
) => Promise<void>
