import { sql } from 'drizzle-orm'
import { type Queries, rows } from '../database/open.ts'
import { isRight, type Right } from './rights.ts'

/** A service that has shown one of its live secrets. */
export interface Service {
  readonly id: string
  readonly name: string
  readonly rights: readonly Right[]
  /** The secret that was shown. */
  readonly secretId: string
}

/**
 * The services of these secrets, in one statement.
 *
 * @param hashes of secrets (tokens/serviceSecret.ts)
 * @returns by the hash in hex; without those that belong to no live secret of a live service
 */
export async function findServices(
  queries: Pick<Queries, 'execute'>,
  hashes: readonly Buffer[],
): Promise<ReadonlyMap<string, Service>> {
  const asked = hashes.map(hash => hash.toString('hex'))
  const found = await rows<{ hash: string; id: string; name: string; rights: string; secretId: string }>(
    queries,
    sql`
      select encode(s.hash, 'hex') as hash, v.id, v.name, array_to_json(v.rights)::text as rights, s.id as "secretId"
      from unnest(${`{${asked.join()}}`}::text::text[]) as asked (hash)
      join annul.service_secrets s on s.hash = decode(asked.hash, 'hex') and s.ended_at is null
      join annul.services v on v.id = s.service_id and v.ended_at is null`,
  )
  return new Map(
    found.map(({ hash, rights, ...service }) => [
      hash,
      // A right of a later version is none here.
      Object.freeze({ ...service, rights: (JSON.parse(rights) as string[]).filter(isRight) }),
    ]),
  )
}

/** Which of these secrets live, in one statement. @param secretIds of services that were found */
export async function findLiveSecrets(
  queries: Pick<Queries, 'execute'>,
  secretIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await rows<{ id: string }>(
    queries,
    sql`
      select s.id from annul.service_secrets s join annul.services v on v.id = s.service_id
      where s.id = any (${`{${secretIds.join()}}`}::text::uuid[]) and s.ended_at is null and v.ended_at is null`,
  )
  return new Set(found.map(({ id }) => id))
}
