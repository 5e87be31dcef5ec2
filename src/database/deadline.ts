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

  /** For the `socket` option of `postgres`: the first of the hosts that accepts. */
  async connect(options: { host: string[]; port: number[]; path?: string | false }): Promise<Socket> {
    let failure: unknown
    const targets = options.path
      ? [{ path: options.path }]
      : options.host.map((host, index) => ({ host, port: options.port[index] ?? 5432 }))
    for (const target of targets) {
      try {
        return await this.#connectTo(target)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  #connectTo(target: { path: string } | { host: string; port: number }): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...target, noDelay: true, timeout: 3000 })
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
      socket.once('timeout', () => socket.destroy(new Error('connect ETIMEDOUT')))
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.setTimeout(0)
        socket.removeListener('error', reject)
        resolve(socket)
      })
    })
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
      // `state` is the backend that a statement was sent to (postgres/src/connection.js).
      if ((query as unknown as { state: unknown }).state) sockets.drop()
      else query.cancel()
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
            const whole = target.begin(tx => {
              if (givenUp) throw new DeadlineError('The transaction started too late.')
              return work(guarded(tx as unknown as postgres.Sql))
            })
            return race(whole, limits.transactionMs, () => {
              givenUp = true
              sockets.drop()
            })
          }
        return Reflect.get(target, property)
      },
    })

  return guarded(client)
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
