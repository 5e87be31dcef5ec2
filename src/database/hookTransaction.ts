import type { SQL } from 'drizzle-orm'
import { type PgDialect, type PgQueryResultHKT, type PgSession, PgTransaction } from 'drizzle-orm/pg-core'
import type { HookName, HookParameter, HookTransaction } from '../app/hooks.ts'
import { type Queries, rows } from './open.ts'

/** An app's hook at work in a transaction of Annul's. */
export interface OpenHookTransaction {
  readonly handle: HookTransaction
  /**
   * Runs the hook, and waits for the statements that it did not wait for. Afterwards the handle is dead.
   *
   * @throws what the hook throws, or the error of a statement that it has caught; Error for a hook that stands still
   */
  run(hook: () => Promise<void>): Promise<void>
}

/** Shorter than the time after which PostgreSQL ends a transaction without a statement (pool.ts). */
const idleMs = 2000

const drizzles = new WeakMap<HookTransaction, PgTransaction<PgQueryResultHKT>>()

/** Drizzle on a hook's transaction. @throws TypeError for anything but what a hook was given */
export function drizzleIn(tx: HookTransaction): PgTransaction<PgQueryResultHKT> {
  const drizzle = drizzles.get(tx)
  if (drizzle === undefined) throw new TypeError('drizzleOf takes the transaction that a hook was given.')
  return drizzle
}

export function openHookTransaction(tx: Queries, hookName: HookName): OpenHookTransaction {
  const watch = new Watch(hookName)
  const { dialect, session } = tx as unknown as { dialect: PgDialect; session: PgSession }
  const drizzle = new HookDrizzle(dialect, guarded(session, watch), undefined)
  const query = async <Row>(text: string, parameters: readonly HookParameter[] = []) => [
    ...(await rows<Row>(drizzle, verbatim(text, parameters.map(parameterOf)))),
  ]
  const handle: HookTransaction = Object.freeze({
    query<Row>(text: string, parameters?: readonly HookParameter[]) {
      const answer = query<Row>(text, parameters)
      // A hook that does not await the answer fails with its error (Watch.run), and the process must not end by it.
      if (!watch.isOver) answer.catch(() => {})
      return answer
    },
  })
  drizzles.set(handle, drizzle)
  return { handle, run: hook => watch.run(hook) }
}

class HookDrizzle extends PgTransaction<PgQueryResultHKT> {
  override async transaction(): Promise<never> {
    throw new Error('A hook is in a transaction, and can not begin another one.')
  }
}

/** Sees each statement of a hook, so that none runs too early, too late, or unnoticed. */
class Watch {
  readonly #hookName: HookName
  readonly #running = new Set<Promise<unknown>>()
  isOver = false
  #failure: unknown
  #timer: NodeJS.Timeout | undefined
  #giveUp: () => void = () => {}

  constructor(hookName: HookName) {
    this.#hookName = hookName
  }

  async run(hook: () => Promise<void>): Promise<void> {
    const idle = new Promise<never>((_, reject) => {
      this.#giveUp = () =>
        reject(
          new Error(
            `The hook "${this.#hookName}" ran no statement for ${idleMs} ms, and was given up. Nothing in a transaction waits for the outside.`,
          ),
        )
    })
    this.#waitForStatement()
    try {
      await Promise.race([hook(), idle])
    } finally {
      this.isOver = true
      clearTimeout(this.#timer)
      await Promise.allSettled(this.#running)
    }
    // The commit could only say that the transaction was rolled back, and not why.
    if (this.#failure !== undefined) throw this.#failure
  }

  statement<T>(text: string, send: () => Promise<T>): Promise<T> {
    if (this.isOver)
      return Promise.reject(
        new Error(`The hook "${this.#hookName}" is over: its transaction can not be used any more.`),
      )
    if (controlsTransaction(text))
      return Promise.reject(
        new Error(`A hook must not run "${firstWord(text)}": the transaction is Annul's.`),
      )
    clearTimeout(this.#timer)
    const sent = send()
      .catch(error => {
        this.#failure ??= error
        throw error
      })
      .finally(() => {
        this.#running.delete(sent)
        if (this.#running.size === 0) this.#waitForStatement()
      })
    this.#running.add(sent)
    return sent
  }

  #waitForStatement(): void {
    if (!this.isOver) this.#timer = setTimeout(this.#giveUp, idleMs)
  }
}

/** Against a mistake, not against an attack: the app's code could do anything else as well. */
function controlsTransaction(text: string): boolean {
  const words = ['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release']
  return words.includes(firstWord(text)) || /^prepare\s+transaction\b/i.test(withoutComments(text))
}

function firstWord(text: string): string {
  return /^[a-z]+/i.exec(withoutComments(text))?.[0].toLowerCase() ?? ''
}

function withoutComments(text: string): string {
  return text.replace(/^(?:\s|--.*(?:\n|$)|\/\*[\s\S]*?\*\/|;)+/, '')
}

/** Drizzle's builders prepare each statement by `prepareQuery` of their session, and execute what it returns. */
function guarded(session: PgSession, watch: Watch): PgSession {
  return new Proxy(session, {
    get(target, property, receiver) {
      if (property !== 'prepareQuery') return Reflect.get(target, property, receiver)
      return (...args: Parameters<PgSession['prepareQuery']>) => {
        const prepared = target.prepareQuery(...args)
        return new Proxy(prepared, {
          get(query, name) {
            const member: unknown = Reflect.get(query, name)
            // Other methods are called on the proxy, because some return `this`.
            if ((name !== 'execute' && name !== 'all') || typeof member !== 'function') return member
            return (...values: unknown[]) =>
              watch.statement(args[0].sql, async () => Reflect.apply(member, query, values))
          },
        })
      }
    },
  })
}

/** A statement as it was written, for drizzle, which asks each for its text. */
function verbatim(sql: string, params: unknown[]): SQL {
  return { getSQL: () => ({ toQuery: () => ({ sql, params }) }) } as unknown as SQL
}

/** @throws TypeError for what the two drivers would write in different ways */
function parameterOf(value: HookParameter, index: number): unknown {
  if (value === null || value instanceof Uint8Array) return value
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'bigint') return String(value)
  if (['string', 'number', 'boolean'].includes(typeof value)) return value
  throw new TypeError(
    `The value of $${index + 1} is ${value === undefined ? 'undefined' : 'no single value'}.`,
  )
}
