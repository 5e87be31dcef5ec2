import { randomBytes } from 'node:crypto'
import { startProcess } from './calls.js'
import { openPostgres } from './database.js'
import { openRedis } from './redis.js'

/** What a bench works with. Everything that it starts is stopped by `close`. */
export async function openBench(options) {
  const postgres = await openPostgres({ fsync: options.fsync })
  const started = []
  let names = 0
  let redis
  const secret = randomBytes(32).toString('base64')
  const start = (file, place) => {
    const running = startProcess(file, place)
    started.push(running)
    return running
  }
  return {
    options,
    postgres,
    freshName: () => `bench_${++names}`,
    /**
     * A server of subjects/ in a process of its own.
     *
     * @param settings environment variables, for Annul's subjects those of its settings
     * @param where on which cores: 'server' (one, alone) or 'all'
     */
    async startServer(subject, settings, where = 'server') {
      const server = start('./server.js', { where, args: [subject] })
      const url = await server.call('start', {
        ANNUL_SECRET: secret,
        // All load comes from one address.
        ANNUL_LIMITS: 'off',
        ANNUL_ACCESS_TOKEN_SECONDS: '3600',
        ...settings,
      })
      return { ...server, url }
    },
    /** So many of them with the same settings: on one database, they are nodes of one system. */
    async startNodes(count, subject, settings, where) {
      // The first one makes the tables.
      const first = await this.startServer(subject, settings, where)
      const more = Array.from({ length: count - 1 }, () => this.startServer(subject, settings, where))
      return [first, ...(await Promise.all(more))]
    },
    startLoad: () => start('./load.js', { where: 'rest' }),
    startVerifiers: () => start('./verifiers.js', { where: 'all' }),
    /** Started when it is first asked for. @returns undefined where there is none */
    redis() {
      redis ??= openRedis()
      return redis
    },
    async close() {
      await Promise.all(started.map(running => running.stop()))
      await (await redis)?.stop()
      await postgres.stop()
    },
  }
}
