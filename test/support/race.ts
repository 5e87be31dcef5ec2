import { sql } from 'drizzle-orm'
import type { Arena, QuickAnswer } from './crowd.ts'

/** How often each outcome was seen. A race is judged by the whole of it. */
export class Tally {
  readonly seen: Record<string, number> = {}

  add(what: string, outcome: string): void {
    const key = `${what}: ${outcome}`
    this.seen[key] = (this.seen[key] ?? 0) + 1
  }
}

/** Does the work for all, a few at a time. */
export async function forAll<T>(
  all: readonly T[],
  work: (one: T) => Promise<void>,
  width = 8,
): Promise<void> {
  const left = all.values()
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const one of left) await work(one)
    }),
  )
}

/**
 * A way to start two requests that race: the second begins anywhere within the time that the first usually takes, so
 * that over many rounds every order of their statements comes about.
 */
export function openRacer() {
  let usualMs = 5
  return async <A, B>(first: () => Promise<A>, second: () => Promise<B>): Promise<[A, B]> => {
    const start = performance.now()
    const timed = async () => {
      const answer = await first()
      usualMs += (performance.now() - start - usualMs) / 10
      return answer
    }
    const later = async () => {
      await new Promise(resolve => setTimeout(resolve, Math.random() * 1.1 * usualMs))
      return second()
    }
    return Promise.all([timed(), later()])
  }
}

export interface Pair {
  readonly accessToken: string
  readonly refreshToken: string
  readonly session: { readonly id: string }
}

export const pairFields = '{ accessToken refreshToken session { id } }'

export function refresh(arena: Arena, refreshToken: string, attempt?: string): Promise<QuickAnswer> {
  const repeated = attempt === undefined ? '' : `, attempt: "${attempt}"`
  return arena.send(`mutation { refresh(refreshToken: "${refreshToken}"${repeated}) ${pairFields} }`)
}

export function login(arena: Arena, email: string, password: string): Promise<QuickAnswer> {
  return arena.send(`mutation { login(input: { email: "${email}", password: "${password}" }) ${pairFields} }`)
}

/** The tokens of an answer, if it has some. */
export function pairOf(answer: QuickAnswer): Pair | undefined {
  return Object.values(answer.data ?? {}).find(value => value !== null) as Pair | undefined
}

/** Uses an access token. */
export async function access(arena: Arena, accessToken: string): Promise<string> {
  return (await arena.send('{ me { id } }', accessToken)).outcome
}

/** Uses both tokens; the refresh token is spent. */
export async function fatesOf(arena: Arena, pair: Pick<Pair, 'accessToken' | 'refreshToken'>) {
  return {
    access: await access(arena, pair.accessToken),
    refresh: (await refresh(arena, pair.refreshToken)).outcome,
  }
}

/**
 * The sessions whose password was certainly checked before the last kill of their user (or of everyone) began, so that
 * they must have been born dead. Both times are of the database, rounded to milliseconds.
 */
export async function checkedBeforeKill(arena: Arena, kind: 'user' | 'everyone'): Promise<Set<string>> {
  const found = await arena.rows<{ id: string }>(sql`
    select s.id from annul.sessions s
    join annul.revocations r on r.kind = ${kind} and coalesce(r.subject, s.user_id) = s.user_id
    where s.auth_time <= r.revoked_at - interval '2 milliseconds'`)
  return new Set(found.map(({ id }) => id))
}
