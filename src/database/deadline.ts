import { connect, type Socket } from 'node:net'
import type postgres from 'postgres'
import { DeadlineError, fromDriver } from './outage.ts'
import { traceStatement } from './traceStatement.ts'

/*
 * The `postgres` client waits for an answer for ever. After a lost network, so do the queries that are pipelined behind
 * the first one. Here every statement has a deadline. When no byte was received from the server until then, the server
 * can't be reached: the connection is dropped, and every statement on it fails at once.
 */

/** The sockets of one client. The client is given up together with them. */
export class Sockets {
  readonly #all = new Set<Socket>()
  #dropped = false
  #attempts = 0

  /**
   * For the `socket` option of `postgres`. Returns a socket that is still connecting, never a promise that may be
   * rejected: after a rejection the client would never use the connection again.
   */
  connect(options: { host: string[]; port: number[]; path?: string | false }): Socket {
    const { host, port, path } = options
    const index = this.#attempts++ % host.length
    const target = path ? { path } : { host: host[index] ?? 'localhost', port: port[index] ?? 5432 }
    const socket = connect({ ...target, noDelay: true })
    this.#all.add(socket)
    // The client connects again by itself when it holds a statement that was not sent yet.
    return this.#dropped ? socket.destroy() : socket
  }

  /** Bytes that were received so far. */
  get received(): number {
    let bytes = 0
    for (const socket of this.#all) bytes += socket.bytesRead
    return bytes
  }

  /** Closes all sockets, and each that is opened later. */
  drop(): void {
    this.#dropped = true
    for (const socket of this.#all) socket.destroy()
  }
}

/** A client whose every statement and transaction has an end. */
export interface Guarded {
  /** @param asArrays rows as arrays instead of objects */
  ask(text: string, parameters: readonly unknown[], asArrays?: boolean): Promise<unknown>
  /** Runs a transaction. The caller sees to it that nothing else uses the connection meanwhile. */
  begin<T>(work: (tx: postgres.Sql) => Promise<T>): Promise<T>
}

/**
 * @param client with one connection (`max: 1`)
 * @param limits milliseconds for one statement, and for a whole transaction
 */
export function withDeadline(
  client: postgres.Sql,
  line: Pick<Sockets, 'received' | 'drop'>,
  limits: { statementMs: number; transactionMs: number },
): Guarded {
  const dropIfSilent = () => {
    const before = line.received
    return () => {
      if (line.received === before) line.drop()
    }
  }

  // Statements that are given to the client while it connects may be sent in another order than they were given: the
  // client (3.4.9) keeps some of them back, and sends later ones before. One would then run in a transaction that is
  // none of its own, or wait for as long as others come. So the first statement opens the connection alone.
  let opened: Promise<void> | undefined
  const ask = (text: string, parameters: readonly unknown[], asArrays = false) => {
    const send = (): Promise<unknown> => {
      const query = client.unsafe(text, parameters as never[], { prepare: true })
      return asArrays ? query.values() : query.execute()
    }
    const answer = opened === undefined ? send() : opened.then(send)
    opened ??= answer.then(nothing, nothing)
    return race(answer, limits.statementMs, dropIfSilent())
  }

  return {
    ask,
    begin: work => race(inTransaction(client, ask, work), limits.transactionMs, () => line.drop()),
  }
}

/**
 * BEGIN is sent together with the first statement, so that a transaction costs no round trip beside those of its
 * statements and its COMMIT. The server reads both from one connection, in order: the transaction has begun when the
 * server reads the statement. Only where BEGIN itself opens the connection, the statement waits for the answer to BEGIN.
 */
async function inTransaction<T>(
  client: postgres.Sql,
  ask: Guarded['ask'],
  work: (tx: postgres.Sql) => Promise<T>,
): Promise<T> {
  let begun: Promise<unknown> | undefined
  let failure: unknown
  let isOver = false
  const run = async (text: string, parameters: readonly unknown[], asArrays: boolean) => {
    // It would be committed by itself, or within the next transaction of the connection.
    if (isOver) throw new Error('A statement came after its transaction had ended.')
    begun ??= ask('begin', [])
    try {
      const [answer] = await Promise.all([ask(text, parameters, asArrays), begun])
      return answer
    } catch (error) {
      failure ??= error
      throw error
    }
  }
  /** For drizzle, which knows a transaction by its `unsafe`. */
  const unsafe = (text: string, parameters: never[]) =>
    lazily(asArrays => traceStatement(text, () => run(text, parameters, asArrays)))
  const tx = new Proxy(client, {
    get: (target, property) => (property === 'unsafe' ? unsafe : Reflect.get(target, property)),
  })

  try {
    const result = await work(tx).finally(() => {
      isOver = true
    })
    // A failed statement has aborted the transaction, also where `work` caught the error.
    if (failure !== undefined) throw failure
    if (begun !== undefined) await traceStatement('commit', () => ask('commit', []))
    return result
  } catch (error) {
    // Where the connection is lost, the server rolls back by itself.
    if (begun !== undefined) await ask('rollback', []).catch(() => {})
    throw error
  }
}

/** Nothing is kept of the first answer, nor of its failure, which its own caller is told. */
function nothing(): void {}

/** What `unsafe` returns, as far as drizzle uses it: awaited, it gives rows as objects, and `values` gives arrays. */
export function lazily(run: (asArrays: boolean) => Promise<unknown>) {
  return {
    values: () => run(true),
    // biome-ignore lint/suspicious/noThenProperty: it stands in for the client's own thenable
    then: (resolve: (rows: unknown) => unknown, reject: (error: unknown) => unknown) =>
      run(false).then(resolve, reject),
  }
}

function race<T>(answer: Promise<T>, ms: number, onTimeout: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(fromDriver(new DeadlineError(`No answer within ${ms} ms.`)))
      onTimeout()
    }, ms)
    answer.then(
      result => {
        clearTimeout(timer)
        resolve(result)
      },
      error => {
        clearTimeout(timer)
        reject(fromDriver(error))
      },
    )
  })
}
