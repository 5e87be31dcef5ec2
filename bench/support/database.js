import postgres from 'postgres'
import { startPostgres } from '../../test/support/postgres.js'

/* One PostgreSQL for the run, of the tests' own kind, and what it says about the statements that it got. */

/** Statements that a node sends by itself, whether or not anybody asks: the followed log, the keys, housekeeping. */
const background = entry =>
  entry.application === 'annul-follow' || /signing_keys|annul\.(nodes|revocations)/.test(entry.text)

/** @param {{ fsync: 'on' | 'off' }} options 'off' makes commits cheap, so that what Annul adds weighs most */
export async function openPostgres({ fsync }) {
  const log = new StatementLog()
  const server = await startPostgres({
    onLog: chunk => log.read(chunk),
    flags: ['shared_buffers=256MB', `fsync=${fsync}`],
  })
  const admin = postgres(server.url, {
    max: 1,
    onnotice: () => {},
    connection: { application_name: 'bench' },
  })
  const [{ server_version: version }] = await admin`show server_version`

  return {
    version,
    /** An empty database. `logged`: its statements can be counted, at the price of speed. */
    async createDatabase(name, { logged = false } = {}) {
      await server.createDatabase(name)
      if (logged) await admin.unsafe(`alter database ${name} set log_statement = 'all'`)
      return server.urlOf(name)
    },
    /**
     * What a logged database was asked during `work` by applications whose names begin with `of`.
     *
     * @returns {Promise<{ application, text, parameters }[]>}
     */
    async statementsDuring(name, work, { of = 'annul' } = {}) {
      const client = postgres(server.urlOf(name), { max: 1, connection: { application_name: 'bench' } })
      const mark = async () => {
        const text = `select 'mark ${Math.random()}'`
        await client.unsafe(text)
        await log.until(entry => entry.text === text)
        return log.entries.length
      }
      try {
        const start = await mark()
        await work()
        const end = await mark()
        return log.entries
          .slice(start, end)
          .filter(entry => entry.database === name && entry.application.startsWith(of) && !background(entry))
      } finally {
        await client.end()
      }
    },
    /** Rows in each of Annul's tables. */
    async countRows(name) {
      const client = postgres(server.urlOf(name), { max: 1, connection: { application_name: 'bench' } })
      try {
        const tables = await client`select tablename from pg_tables where schemaname = 'annul' order by 1`
        const counts = {}
        for (const { tablename } of tables) {
          const [{ count }] = await client`select count(*)::int from annul.${client(tablename)}`
          counts[tablename] = count
        }
        return counts
      } finally {
        await client.end()
      }
    },
    async execute(name, text) {
      const client = postgres(server.urlOf(name), { max: 1, connection: { application_name: 'bench' } })
      try {
        await client.unsafe(text)
      } finally {
        await client.end()
      }
    },
    async stop() {
      await admin.end()
      await server.stop()
    },
  }
}

/** PostgreSQL's own log, with the line prefix "application|database|". */
class StatementLog {
  entries = []
  #rest = ''
  #waiting = []

  read(chunk) {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop()
    for (const line of lines) this.#readLine(line)
    this.#waiting = this.#waiting.filter(({ matches, resolve }) => {
      const found = this.entries.findLast(matches) !== undefined
      if (found) resolve()
      return !found
    })
  }

  until(matches) {
    return new Promise(resolve => {
      this.#waiting.push({ matches, resolve })
      this.read('')
    })
  }

  #readLine(line) {
    const last = this.entries.at(-1)
    const begin = line.match(
      /^([^|]*)\|([^|]*)\|(?:LOG: {2}(?:statement|execute [^:]+): (.*)|DETAIL: {2}parameters: (.*))$/i,
    )
    if (!begin) {
      // A statement of several lines goes on with a tab.
      if (last && line.startsWith('\t')) last.text += `\n${line.slice(1)}`
      return
    }
    const [, application, database, text, parameters] = begin
    if (text !== undefined) this.entries.push({ application, database, text, parameters: [] })
    else if (last) last.parameters = readParameters(parameters)
  }
}

/** "$1 = 'a', $2 = NULL" -> ['a', null] */
function readParameters(text) {
  return [...text.matchAll(/\$\d+ = (?:'((?:[^']|'')*)'|NULL)/g)].map(
    ([, value]) => value?.replaceAll("''", "'") ?? null,
  )
}
