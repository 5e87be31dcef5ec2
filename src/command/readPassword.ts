import { CommandError } from './explain.ts'
import { readLine } from './readLine.ts'

/**
 * A password from the terminal, without echo; where standard input is no terminal, its first line.
 *
 * @throws CommandError when the input ended without one
 */
export async function readPassword(): Promise<string> {
  const { stdin } = process
  if (stdin.isTTY) {
    const password = await readLine('Password: ', { echo: false })
    if (password === undefined) throw new CommandError('No password was given.')
    return password
  }
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(chunk)
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n[\s\S]*$/, '')
}
