import { createHash } from 'node:crypto'
import { registerMany } from '../support/accounts.js'
import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { atLeast } from '../support/statistics.js'

export const title = 'Refreshes against the same UPDATE sent by the bare client of the database'

const update = 'the UPDATE alone'
const concurrencies = [32, 1]
const goal = 0.6
/** After so many refreshes there are to be as many rows as before. */
const countedRefreshes = 100_000

export async function run(bench) {
  const statement = await learnStatement(bench)
  const database = bench.freshName()
  const url = await bench.postgres.createDatabase(database)
  const server = await bench.startServer('annul', { DATABASE_URL: url })
  const load = bench.startLoad()
  // Every way has sessions of its own.
  const accounts = await registerMany(server.url, 3 * concurrencies.reduce((sum, each) => sum + each))
  const rowsBefore = await bench.postgres.countRows(database)
  const all = []
  let lastTokens
  for (const concurrency of concurrencies) {
    await load.call('connect', { url: server.url, connections: concurrency })
    const [forUpdates, forVerb, forHttp] = [1, 2, 3].map(() => accounts.splice(0, concurrency))
    const sessions = { value: forUpdates.map(({ session }) => ({ id: session.id, generation: 1 })) }
    const tokensOf = accounts => ({ value: accounts.map(({ refreshToken }) => refreshToken) })
    const called = tokensOf(forVerb)
    if (concurrency > 1) lastTokens = called
    const rows = [
      [update, goOn(sessions, 'sessions', input => server.call('updates', { ...statement, ...input }))],
      ['refresh, called', goOn(called, 'tokens', input => server.call('refreshes', input))],
      ['refresh, over HTTP', goOn(tokensOf(forHttp), 'tokens', input => load.call('rotate', input))],
    ]
    const results = await pairedRounds(
      rows.map(([name, slice]) => ({ name, slice: withCpu(server, slice) })),
      { baseline: update, ...bench.options },
    )
    all.push(...results.map(row => ({ ...row, concurrency })))
  }
  const refreshed = all.filter(row => row.name !== update).reduce((sum, row) => sum + row.count, 0)
  const more = Math.max(0, countedRefreshes - refreshed)
  await server.call('refreshes', { tokens: lastTokens.value, times: more })
  const rowsAfter = await bench.postgres.countRows(database)
  const refreshes = refreshed + more
  const [name, ...others] = roundColumns
  return {
    columns: [name, ['at once', row => String(row.concurrency)], ...others],
    rows: all,
    goals: [
      ...all
        .filter(row => row.name !== update)
        .map(row => ({
          text: `${goal} of the UPDATE alone: ${row.name}, ${row.concurrency} at once`,
          reached: atLeast(row.interval, goal),
        })),
      {
        text: `as many rows in every table after ${refreshes} refreshes as before: ${sum(rowsBefore)} and ${sum(rowsAfter)}`,
        reached: JSON.stringify(rowsBefore) === JSON.stringify(rowsAfter),
      },
    ],
    refreshes,
    rowsBefore,
    rowsAfter,
    statement,
  }
}

function sum(counts) {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/** A slice that begins where the one before it ended: each refresh makes the next one's token. */
export function goOn(held, key, run) {
  return async ms => {
    const { [key]: next, ...measured } = await run({ [key]: held.value, ms })
    held.value = next
    return measured
  }
}

/**
 * The statement as the database gets it from Annul, with its parameters, so that there is no copy of it here that
 * could fall behind.
 */
export async function learnStatement(bench) {
  const database = bench.freshName()
  const url = await bench.postgres.createDatabase(database, { logged: true })
  const server = await bench.startServer('annul', { DATABASE_URL: url })
  const [account] = await registerMany(server.url, 1)
  const load = bench.startLoad()
  await load.call('connect', { url: server.url, connections: 1 })
  // A generation that is no other parameter's value.
  const { tokens } = await load.call('rotate', { tokens: [account.refreshToken], times: 40 })
  const statements = await bench.postgres.statementsDuring(database, () =>
    load.call('rotate', { tokens, times: 1 }),
  )
  await server.stop()
  await load.stop()
  const [{ text, parameters }, ...more] = statements
  if (more.length > 0 || !/^update /i.test(text))
    throw new Error(`A refresh sent ${statements.length} statements.`)
  const attempts = value =>
    value?.startsWith('\\x') && value.length === 2 + createHash('sha256').digest('hex').length
  const kinds = parameters.map(value =>
    value === account.session.id
      ? 'session'
      : value === '41'
        ? 'generation'
        : attempts(value)
          ? 'attempt'
          : { value },
  )
  if (['session', 'generation', 'attempt'].some(kind => kinds.filter(found => found === kind).length !== 1))
    throw new Error(`Which parameter is which? ${JSON.stringify(parameters)}`)
  return { text, parameters: kinds }
}
