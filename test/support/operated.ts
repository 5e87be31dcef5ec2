import { annul, type Ended } from './command.ts'
import { onPostgres } from './database.ts'
import { startTestServer, type TestServer, type TestServerOptions } from './server.ts'

/**
 * A node whose operator runs commands. On PostgreSQL they run beside it; the embedded database serves one process, so
 * there the node stops for them, and comes back.
 */
export class Operated {
  server: TestServer

  private constructor(server: TestServer) {
    this.server = server
  }

  static async start(options?: TestServerOptions): Promise<Operated> {
    return new Operated(await startTestServer(options))
  }

  /** Runs `annul` once for each list of arguments. */
  async runAll(calls: readonly { args: string[]; input?: string }[]): Promise<Ended[]> {
    if (!onPostgres) await this.server.close()
    const ended: Ended[] = []
    try {
      for (const { args, input } of calls) ended.push(await annul(args, this.server.env, input))
    } finally {
      if (!onPostgres) this.server = await this.#again()
    }
    return ended
  }

  async run(...args: string[]): Promise<Ended> {
    const [ended] = await this.runAll([{ args }])
    if (ended === undefined) throw new Error('A command that ran has not ended.')
    return ended
  }

  /** A second node, which started later; embedded: the same one, started again. */
  async secondNode(): Promise<TestServer> {
    if (onPostgres) return this.#again()
    await this.server.close()
    this.server = await this.#again()
    return this.server
  }

  close(): Promise<void> {
    return this.server.close()
  }

  #again(): Promise<TestServer> {
    const { database, env } = this.server
    return startTestServer({ database, env })
  }
}
