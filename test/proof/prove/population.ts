import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import postgres from 'postgres'
import { refreshTokens } from '../../../src/tokens/refreshToken.ts'
import type { Cluster } from '../../support/cluster.ts'
import type { RecordedToken } from '../../support/linearizability.ts'
import { send } from './send.ts'

/** An access token, and the claims that revocations cover. */
export interface Access {
  readonly text: string
  readonly claims: RecordedToken
}

/** A session with the tokens that its client holds. */
export interface Device {
  readonly session: string
  refreshToken: string
  access: Access
  /** The refresh token before: the use of it is a theft. */
  readonly stolen: string
}

/** A user with two devices. */
export interface Family {
  readonly user: string
  readonly laptop: Device
  readonly phone: Device
  /** An authenticator app that has opened the laptop's session. */
  readonly factor: string
  /** Further sessions, for mutations that end one each. */
  readonly spares: readonly string[]
}

const sparesOfFamily = 6

/**
 * Users with two sessions each. Their rows are written by SQL, because a password's hash for each would take longer
 * than the whole proof; their tokens are issued by the nodes.
 *
 * @throws Error when the database or a node can't be asked
 */
export async function populate(
  cluster: Cluster,
  size: number,
  options: { roles?: readonly string[] } = {},
): Promise<Family[]> {
  const ids = Array.from({ length: size }, () => ({
    user: randomUUID(),
    factor: randomUUID(),
    laptop: randomUUID(),
    phone: randomUUID(),
    spares: Array.from({ length: sparesOfFamily }, () => randomUUID()),
  }))
  const roles = `{${options.roles ?? []}}`
  const sql = postgres(cluster.databaseUrl, { max: 1, onnotice: () => {} })
  try {
    await sql`insert into annul.users (id, email, email_key, roles)
      select id, id::text, id::text, ${roles}::text[] from unnest(${ids.map(({ user }) => user)}::uuid[]) as made (id)`
    await sql`insert into annul.factors (id, user_id, kind, secret, confirmed_at)
      select id, owner, 'TOTP', '', now() from unnest(
        ${ids.map(({ factor }) => factor)}::uuid[], ${ids.map(({ user }) => user)}::uuid[]) as made (id, owner)`
    await sql`insert into annul.sessions
        (id, user_id, session_version, epoch, idle_expires_at, expires_at, auth_time, factor_time, amr)
      select made.id, made.owner, 1, epoch, now() + interval '1 hour', now() + interval '1 hour', now(), now(), '{pwd,otp,mfa}'
      from annul.epochs, unnest(
        ${ids.flatMap(({ laptop, phone, spares }) => [laptop, phone, ...spares])}::uuid[],
        ${ids.flatMap(({ user, spares }) => [user, user, ...spares.map(() => user)])}::uuid[]) as made (id, owner)`
    await sql`update annul.sessions set factor_ids = array[factor] from unnest(
        ${ids.map(({ laptop }) => laptop)}::uuid[], ${ids.map(({ factor }) => factor)}::uuid[]) as made (laptop, factor)
      where id = laptop`
  } finally {
    await sql.end()
  }

  const { derive } = refreshTokens(Buffer.from(cluster.secret, 'base64'))
  const signIn = async (session: string): Promise<Device> => {
    const stolen = derive({ sessionId: session, generation: 1 })
    // A node that is stopped would keep the trial waiting for its families.
    const tokens = await refresh(someOf(cluster.nodes.filter(node => !node.isStopped)).url, stolen)
    if (typeof tokens === 'string') throw new Error(`A new session could not refresh: ${tokens}.`)
    return { session, stolen, ...tokens }
  }
  const families: Family[] = []
  await inParallel(4, ids, async ({ laptop, phone, ...family }) => {
    const devices = await Promise.all([signIn(laptop), signIn(phone)])
    families.push({ ...family, laptop: devices[0], phone: devices[1] })
  })
  return families
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
export function received(tokens: unknown): Pick<Device, 'refreshToken' | 'access'> {
  const { accessToken, refreshToken } = tokens as { accessToken: string; refreshToken: string }
  // globalTeardown.js looks for these in the log.
  if (process.env.TEST_LOG)
    appendFileSync(`${process.env.TEST_LOG}.secrets`, `${accessToken}\n${refreshToken}\n`)
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
  const { sub, sid, ver, epoch } = claims as { sub: string; sid: string; ver: number; epoch: number }
  return {
    refreshToken,
    access: { text: accessToken, claims: { user: sub, session: sid, version: ver, epoch } },
  }
}

/** Any node: clients do not know which nodes are healthy. */
export function someNode({ nodes, deaths }: Pick<Cluster, 'nodes' | 'deaths'>) {
  if (nodes.length === 0) throw new Error(`No node runs any more. ${deaths.join('\n')}`)
  return someOf(nodes)
}

export function someOf<T>(list: readonly T[]): T {
  const found = list[Math.floor(Math.random() * list.length)]
  if (found === undefined) throw new Error('There is none to choose from.')
  return found
}

/** Several at a time, until all are done. */
export async function inParallel<T>(
  width: number,
  list: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...list]
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await work(next)
    }),
  )
}
