import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll } from '@jest/globals'

const script = fileURLToPath(new URL('directoryHolder.js', import.meta.url))
const running = new Set<ChildProcess>()

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** A process that takes and releases the lock of a directory on command. */
export interface DirectoryHolder {
  /** @returns `held` or `refused` */
  take(): Promise<string>
  release(): Promise<string>
  signal(signal: NodeJS.Signals): void
  /** Sends SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

export function startHolder(directory: string, env: Record<string, string> = {}): DirectoryHolder {
  const child = spawn(process.execPath, [script, directory], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (command: string): Promise<string> => {
    child.stdin.write(`${command}\n`)
    const { value } = await lines.next()
    return String(value)
  }
  return {
    take: () => ask('take'),
    release: () => ask('release'),
    signal: signal => child.kill(signal),
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'close')
      running.delete(child)
    },
  }
}
