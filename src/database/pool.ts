import { AsyncResource } from 'node:async_hooks'
import postgres from 'postgres'
import { type Guarded, lazily, Sockets, withDeadline } from './deadline.ts'
import { DeadlineError, OutageError } from './outage.ts'
import { traceStatement } from './traceStatement.ts'

/*
 * A pool of connections, each with a client of its own. A client is never used again after its connection was lost. The
 * `postgres` client (3.4.9) has a pool of its own, which reconnects silently and with two faults: a statement that is
 * sent between the error of a socket and its end is never answered, and data that was buffered for the dead socket
 * prevents the next connection from ever being opened. The client also changes the order of statements: `idle` below and
 * `ask` in deadline.ts say when, and prevent it.
 */

export interface PoolOptions {
  /** `application_name`. */
  readonly name: string
  readonly connections: number
  /** The deadline of one statement. */
  readonly statementMs: number
  /** The deadline of a whole transaction. */
  readonly transactionMs: number
}

interface Member {
  readonly client: postgres.Sql
  readonly guarded: Guarded
  /** Statements that have no answer yet: they share a connection if there are more of them than connections. */
  statements: number
  /** Whether a transaction has the connection for itself, or will when the statements before it are answered. */
  inTransaction: boolean
  /** Called when no statement is left without an answer. */
  whenIdle?: () => void
}

/** A pool that drizzle takes for a client of `postgres`. */
export function openPool(url: string, options: PoolOptions): postgres.Sql {
  // This client never connects. Drizzle sets parsers on its options, and the clients that connect take them over.
  const pattern = postgres(url, settings(options))
  const members = new Set<Member>()
  const waiting: ((member: Member) => void)[] = []
  let closed = false

  const open = (): Member => {
    const sockets = new Sockets()
    const lose = () => {
      if (!members.delete(member)) return
      sockets.drop()
      client.end({ timeout: 0 }).catch(() => {})
      serve()
    }
    const client = postgres(url, {
      ...settings(options),
      onclose: lose,
      // Given up at the first sign of a loss: a statement that is sent later would never be answered.
      socket: (target: Parameters<Sockets['connect']>[0]) =>
        sockets.connect(target).once('error', lose).once('end', lose),
    } as postgres.Options<Record<string, never>>)
    Object.assign(client.options.parsers, pattern.options.parsers)
    Object.assign(client.options.serializers, pattern.options.serializers)
    const line = {
      get received() {
        return sockets.received
      },
      drop: lose,
    }
    const guarded = withDeadline(client, line, options)
    const member = { client, guarded, statements: 0, inTransaction: false }
    members.add(member)
    return member
  }

  /** The member with the fewest statements, or a new one; undefined when all are in transactions. */
  const choose = (): Member | undefined => {
    let idlest: Member | undefined
    for (const member of members)
      if (!member.inTransaction && (idlest === undefined || member.statements < idlest.statements))
        idlest = member
    return idlest?.statements !== 0 && members.size < options.connections ? open() : idlest
  }

  /**
   * A transaction begins when the statements before it are answered. The client sends a statement again where the server
   * no longer takes its prepared form, and would send it within the transaction.
   */
  const idle = (member: Member) =>
    new Promise<void>(resolve => {
      member.whenIdle = resolve
    })

  const run = <T>(isTransaction: boolean, work: (guarded: Guarded) => Promise<T>): Promise<T> => {
    const start = async (member: Member): Promise<T> => {
      if (isTransaction) member.inTransaction = true
      else member.statements++
      try {
        if (isTransaction && member.statements > 0) await idle(member)
        return await work(member.guarded)
      } finally {
        if (isTransaction) member.inTransaction = false
        else if (--member.statements === 0) member.whenIdle?.()
        serve()
      }
    }
    if (closed) return Promise.reject(new OutageError(new Error('The pool was closed.')))
    const free = waiting.length === 0 ? choose() : undefined
    if (free) return start(free)
    return new Promise((resolve, reject) => {
      // It is called by whoever gives a connection back, and belongs to the request that waits.
      const turn = AsyncResource.bind((member: Member) => {
        clearTimeout(timer)
        start(member).then(resolve, reject)
      })
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(turn), 1)
        reject(new OutageError(new DeadlineError(`No connection was free within ${options.statementMs} ms.`)))
      }, options.statementMs)
      waiting.push(turn)
    })
  }

  const serve = () => {
    while (waiting.length > 0) {
      const free = choose()
      if (free === undefined) return
      waiting.shift()?.(free)
    }
  }

  const own: Partial<Record<string | symbol, unknown>> = {
    unsafe: (text: string, parameters: never[]) =>
      lazily(asArrays =>
        traceStatement(text, () => run(false, guarded => guarded.ask(text, parameters, asArrays))),
      ),
    begin: (work: (tx: postgres.Sql) => Promise<unknown>) => run(true, guarded => guarded.begin(work)),
    async end(how: { timeout: number }) {
      closed = true
      await Promise.all([...members].map(({ client }) => client.end(how)))
    },
  }
  return new Proxy(pattern, { get: (target, property) => own[property] ?? Reflect.get(target, property) })
}

function settings({ name, statementMs }: PoolOptions) {
  return {
    max: 1,
    connect_timeout: 3,
    max_lifetime: null,
    fetch_types: false,
    onnotice: () => {},
    connection: {
      application_name: name,
      // Below the client's deadline, so that a living server always answers first.
      statement_timeout: Math.floor(statementMs * 0.8),
      // Nothing in a transaction waits for the outside: its node is frozen or cut off. Others that wait for its locks get
      // them before their own statements are over.
      idle_in_transaction_session_timeout: Math.floor(statementMs / 2),
      // No acknowledged commit is ever lost, whatever the server's default.
      synchronous_commit: 'on',
    },
  }
}
