import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Whether the operator can be asked: standard input and standard output are a terminal. */
export function isTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true
}

/**
 * Asks the operator at the terminal for one line.
 *
 * @param options.echo false: what is typed is not shown; default true
 * @returns undefined when the input ended before a line did (Ctrl+D)
 */
export async function readLine(
  question: string,
  options: { echo?: boolean } = {},
): Promise<string | undefined> {
  const { echo = true } = options
  // A terminal echoes through the output, so that without echo the output goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({
    input: process.stdin,
    output: echo ? process.stdout : nowhere,
    terminal: true,
    historySize: 0,
  })
  if (!echo) process.stdout.write(question)
  lines.setPrompt(echo ? question : '')
  lines.prompt()
  return new Promise(resolve => {
    // The terminal is in raw mode, so Ctrl+C is a key. It becomes the signal again, for the process's own handler.
    lines.once('SIGINT', () => {
      lines.close()
      process.kill(process.pid, 'SIGINT')
    })
    lines.once('line', line => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => {
      if (!echo) process.stdout.write('\n')
      resolve(undefined)
    })
  })
}
