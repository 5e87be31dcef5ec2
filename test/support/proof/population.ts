import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import postgres from 'postgres'
import { refreshTokens } from '../../../src/tokens/refreshToken.ts'
import type { Cluster } from '../cluster.ts'
import type { RecordedToken } from '../linearizability.ts'
import { send } from './send.ts'

/** An access token, and what revocations speak about. */
export interface Access {
  readonly text: string
  readonly claims: RecordedToken
}

/** A session with the tokens that its client holds. */
export interface Device {
  readonly session: string
  refreshToken: string
  access: Access
  /** The refresh token before: only a thief presents it. */
  readonly stolen: string
}

/** A user with two devices. */
export interface Family {
  readonly user: string
  readonly laptop: Device
  readonly phone: Device
}

export interface Population {
  readonly admin: Family
  readonly families: readonly Family[]
}

/**
 * Users with two sessions each. Their rows are written by SQL, because a password's hash for each would take longer
 * than the whole proof; their tokens are issued by the nodes.
 */
export async function populate(cluster: Cluster, size: number): Promise<Population> {
  const users = Array.from({ length: size + 1 }, () => ({
    id: randomUUID(),
    sessions: [randomUUID(), randomUUID()],
  }))
  const sql = postgres(cluster.databaseUrl, { max: 1, onnotice: () => {} })
  await sql`insert into annul.users (id, email, email_key, roles)
    select id, id::text, id::text, case when place = 1 then '{admin}'::text[] else '{}' end
    from unnest(${users.map(({ id }) => id)}::uuid[]) with ordinality as made (id, place)`
  const owners = users.flatMap(({ id }) => [id, id])
  await sql`insert into annul.sessions (id, user_id, session_version, epoch, idle_expires_at, expires_at, auth_time)
    select made.id, made.owner, 1, epochs.epoch, now() + interval '1 hour', now() + interval '1 hour', now()
    from annul.epochs, unnest(${users.flatMap(({ sessions }) => sessions)}::uuid[], ${owners}::uuid[]) as made (id, owner)`
  await sql.end()

  const derive = refreshTokens(Buffer.from(cluster.secret, 'base64')).derive
  const signIn = async (session = ''): Promise<Device> => {
    const stolen = derive({ sessionId: session, generation: 1 })
    const tokens = await refresh(someNode(cluster).url, stolen)
    if (typeof tokens === 'string') throw new Error(`A session of the population is dead: ${tokens}.`)
    return { session, stolen, ...tokens }
  }
  const families: Family[] = []
  // A few at a time: as many as the nodes have connections.
  const waiting = [...users]
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [laptop, phone] = await Promise.all(next.sessions.map(signIn))
        if (laptop && phone) families.push({ user: next.id, laptop, phone })
      }
    }),
  )
  const admin = families.find(({ user }) => user === users[0]?.id)
  if (admin === undefined) throw new Error('The population has no admin.')
  return { admin, families: families.filter(family => family !== admin) }
}

/** @returns the new tokens, or the verdict that refused them */
export async function refresh(
  url: string,
  refreshToken: string,
  attempt?: string,
): Promise<Pick<Device, 'refreshToken' | 'access'> | string> {
  const { verdict, data } = await send(url, {
    query: `mutation ($refreshToken: String!, $attempt: String) {
      refresh(refreshToken: $refreshToken, attempt: $attempt) { accessToken refreshToken } }`,
    variables: { refreshToken, attempt },
  })
  return verdict === 'accepted' ? received(data?.refresh) : verdict
}

/** Tokens as they stand in an answer. */
export function received(
  tokens: { accessToken: string; refreshToken: string } | undefined,
): Pick<Device, 'refreshToken' | 'access'> {
  if (tokens === undefined) throw new Error('An accepted answer had no tokens.')
  const { accessToken, refreshToken } = tokens
  // What must never stand in a log (test/secrets.test.ts).
  if (process.env.TEST_LOG)
    appendFileSync(`${process.env.TEST_LOG}.secrets`, `${accessToken}\n${refreshToken}\n`)
  const { sub, sid, ver, epoch } = JSON.parse(
    Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString(),
  ) as { sub: string; sid: string; ver: number; epoch: number }
  return {
    refreshToken,
    access: { text: accessToken, claims: { user: sub, session: sid, version: ver, epoch } },
  }
}

/** Any of them: clients know nothing of their health. */
export function someNode(cluster: Pick<Cluster, 'nodes'>) {
  return someOf(cluster.nodes)
}

export function someOf<T>(list: readonly T[]): T {
  const found = list[Math.floor(Math.random() * list.length)]
  if (found === undefined) throw new Error('There is none to choose from.')
  return found
}
