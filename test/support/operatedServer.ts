import { annul, type Ended } from './command.ts'
import { onPostgres } from './database.ts'
import { startTestServer, type TestServer } from './server.ts'
import { useFixture } from './useFixture.ts'

/**
 * A node whose operator runs commands. On PostgreSQL they run beside it; the embedded database serves one process, so
 * there the node stops for them, and comes back.
 */
export interface OperatedServer {
  /** The node that runs at the moment. */
  readonly server: TestServer
  /** Runs `annul` once. */
  run(...args: string[]): Promise<Ended>
  /** Runs `annul` once for each list of arguments. */
  runAll(calls: readonly { args: string[]; input?: string }[]): Promise<Ended[]>
  /** A second node, which started later; embedded: the same one, started again. */
  secondNode(): Promise<TestServer>
}

/** A node and its commands, for all tests of the calling file or `describe`. */
export function useOperatedServer(): OperatedServer {
  return useFixture(openOperatedServer)
}

async function openOperatedServer(): Promise<OperatedServer & { close(): Promise<void> }> {
  let server = await startTestServer()
  const startAgain = () => startTestServer({ database: server.database, env: server.env })

  const runAll: OperatedServer['runAll'] = async calls => {
    if (!onPostgres) await server.close()
    const ended: Ended[] = []
    try {
      for (const { args, input } of calls) ended.push(await annul(args, server.env, input))
    } finally {
      if (!onPostgres) server = await startAgain()
    }
    return ended
  }

  return {
    get server() {
      return server
    },
    runAll,
    async run(...args) {
      const [ended] = await runAll([{ args }])
      if (ended === undefined) throw new Error('A command that ran has not ended.')
      return ended
    },
    async secondNode() {
      if (onPostgres) return startAgain()
      await server.close()
      server = await startAgain()
      return server
    },
    close: () => server.close(),
  }
}
