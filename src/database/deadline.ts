import { connect, type Socket } from 'node:net'
import type postgres from 'postgres'
import { DeadlineError, fromDriver } from './faults.ts'

/*
 * The `postgres` client waits for an answer for ever, and after a lost network so do the queries that it pipelines
 * behind it. Here every statement has a deadline. The server's statement_timeout is shorter, so a statement that was
 * sent and passed its deadline means that the server can't be reached: then all connections are dropped, everything
 * on them fails at once, and the client connects anew. A statement that was never sent only waited for its turn.
 */

/** The open sockets of one client, so that they can be dropped together. */
export class Sockets {
  readonly #open = new Set<Socket>()
  #attempts = 0

  /**
   * For the `socket` option of `postgres`, which wants to see the connection fail: a socket that is still connecting,
   * never a promise that is refused. After such a one it would not use the connection again, ever.
   */
  connect(options: { host: string[]; port: number[]; path?: string | false }): Socket {
    const { host, port, path } = options
    const index = this.#attempts++ % host.length
    const target = path ? { path } : { host: host[index] ?? 'localhost', port: port[index] ?? 5432 }
    const socket = connect({ ...target, noDelay: true })
    this.#open.add(socket)
    return socket.once('close', () => this.#open.delete(socket))
  }

  drop(): void {
    for (const socket of this.#open) socket.destroy()
  }
}

/** @param limits milliseconds for one statement, and for a whole transaction */
export function withDeadline(
  client: postgres.Sql,
  sockets: Sockets,
  limits: { statementMs: number; transactionMs: number },
): postgres.Sql {
  const statement = (
    inner: postgres.Sql,
    text: string,
    parameters: never[],
    asArrays: boolean,
  ): Promise<unknown> => {
    const query = inner.unsafe(text, parameters, { prepare: true })
    const answer = asArrays ? query.values() : query.execute()
    return race(answer, limits.statementMs, () => {
      if (wasSent(query)) sockets.drop()
      else withdraw(query)
    })
  }

  const guarded = (inner: postgres.Sql): postgres.Sql =>
    new Proxy(inner, {
      get(target, property) {
        if (property === 'unsafe')
          return (text: string, parameters: never[]) => ({
            values: () => statement(target, text, parameters, true),
            // drizzle awaits what `unsafe` returned where it wants objects.
            // biome-ignore lint/suspicious/noThenProperty: it stands in for the client's own thenable
            then: (resolve: (rows: unknown) => unknown, reject: (error: unknown) => unknown) =>
              statement(target, text, parameters, false).then(resolve, reject),
          })
        if (property === 'begin')
          return (work: (tx: postgres.Sql) => Promise<unknown>) => {
            let givenUp = false
            let begun = () => {}
            const beginning = new Promise<void>(resolve => {
              begun = resolve
            })
            const whole = target.begin(tx => {
              if (givenUp) throw new DeadlineError('The transaction started too late.')
              begun()
              return work(guarded(tx as unknown as postgres.Sql))
            })
            whole.then(begun, begun)
            const start = race(beginning, limits.statementMs, () => {
              // It may only have waited for its turn: that is no reason to drop what others are doing.
              givenUp = true
            })
            const end = race(whole, limits.transactionMs, () => {
              givenUp = true
              sockets.drop()
            })
            return Promise.all([end, start]).then(([result]) => result)
          }
        return Reflect.get(target, property)
      },
    })

  return guarded(client)
}

/** What of the client's query objects is looked at here (postgres/src/connection.js). */
interface Internals {
  /** The backend that it was sent to. */
  state: unknown
  cancelled: unknown
  strings: string[]
  args: unknown[]
}

function wasSent(query: object): boolean {
  return Boolean((query as Internals).state)
}

/**
 * What was told to have failed must not be done later. Cancelled, it leaves the queue. But if a connection is being
 * opened for it, the client counts on running it there, and would lose that connection over a cancelled one: so it
 * runs, as a statement that does nothing.
 */
function withdraw(query: { cancel(): void }): void {
  query.cancel()
  Object.assign(
    query satisfies object,
    { cancelled: null, strings: ['select'], args: [] } satisfies Partial<Internals>,
  )
}

function race<T>(answer: Promise<T>, ms: number, onTimeout: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(fromDriver(new DeadlineError(`No answer within ${ms} ms.`)))
      onTimeout()
    }, ms)
    answer.then(resolve, error => reject(fromDriver(error))).finally(() => clearTimeout(timer))
  })
}
