/**
 * Statements that the database logged from a subject's connections while requests for a field were answered, one at a
 * time and 32 at once, and what Redis got, where the subject uses it.
 *
 * @returns {Promise<{ connections: number, statements: number, each: number, commandsEach: number }[]>}
 */
export async function countStatements(bench, { subject, settings, field, times }) {
  const database = bench.freshName()
  const url = await bench.postgres.createDatabase(database, { logged: true })
  const server = await bench.startServer(subject, { DATABASE_URL: url, ...settings })
  const load = bench.startLoad()
  const requests = await server.call('requests', { field, count: 32 })
  const redis = settings.REDIS_URL && (await bench.redis())
  const counts = []
  for (const connections of [1, 32]) {
    await load.call('connect', { url: server.url, connections })
    let commands = 0
    const work = async () => {
      const ask = () => load.call('repeat', { requests, times })
      if (redis) commands = await redis.commandsDuring(ask)
      else await ask()
    }
    const { length } = await bench.postgres.statementsDuring(database, work, { of: subject })
    counts.push({ connections, statements: length, each: length / times, commandsEach: commands / times })
  }
  await server.stop()
  await load.stop()
  return counts
}
