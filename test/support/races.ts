import { sql } from 'drizzle-orm'
import type { QuickAnswer, RaceServer } from './raceServer.ts'

/** How often each outcome was seen. A race is judged by all counts together. */
export class Tally {
  readonly seen: Record<string, number> = {}

  add(what: string, outcome: string): void {
    const key = `${what}: ${outcome}`
    this.seen[key] = (this.seen[key] ?? 0) + 1
  }
}

/** Does the work for every item, `width` of them at a time. */
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

export function refresh(server: RaceServer, refreshToken: string, attempt?: string): Promise<QuickAnswer> {
  const repeated = attempt === undefined ? '' : `, attempt: "${attempt}"`
  return server.send(`mutation { refresh(refreshToken: "${refreshToken}"${repeated}) ${pairFields} }`)
}

export function login(server: RaceServer, email: string, password: string): Promise<QuickAnswer> {
  return server.send(
    `mutation { login(input: { email: "${email}", password: "${password}" }) ${pairFields} }`,
  )
}

/** The tokens of an answer; undefined where there are none. */
export function pairOf(answer: QuickAnswer): Pair | undefined {
  return Object.values(answer.data ?? {}).find(value => value !== null) as Pair | undefined
}

/** The outcome of `{ me { id } }` with an access token. */
export async function access(server: RaceServer, accessToken: string): Promise<string> {
  return (await server.send('{ me { id } }', accessToken)).outcome
}

/** Uses both tokens. The refresh token is spent. */
export async function outcomesOf(server: RaceServer, pair: Pick<Pair, 'accessToken' | 'refreshToken'>) {
  return {
    access: await access(server, pair.accessToken),
    refresh: (await refresh(server, pair.refreshToken)).outcome,
  }
}

/**
 * The sessions whose password was certainly checked before the last revocation of their user (or of everyone) began, so
 * that they must have ended with their first moment. Both times are of the database, rounded to milliseconds.
 */
export async function checkedBeforeRevocation(
  server: RaceServer,
  kind: 'user' | 'everyone',
): Promise<Set<string>> {
  const found = await server.rows<{ id: string }>(sql`
    select s.id from annul.sessions s
    join annul.revocations r on r.kind = ${kind} and (coalesce(r.subject, s.user_id) = s.user_id
      -- recoverAccount revokes under the old id, and the sessions move to the new one.
      or exists (select 1 from annul.audit_events a where a.kind = 'recover-account'
                 and a.user_id = s.user_id and a.detail = 'the id was ' || r.subject))
    where s.auth_time <= r.revoked_at - interval '2 milliseconds'`)
  return new Set(found.map(({ id }) => id))
}
