import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { serviceSecrets, services } from '../database/tables.ts'

/** A service that has not ended, with the ids of its live secrets, the oldest first. */
export interface LiveService {
  readonly id: string
  readonly rights: readonly string[]
  readonly secretIds: readonly string[]
}

/**
 * The live service of a name. Until the commit, no other transaction makes or ends a service: otherwise two commands at
 * once could give one a third secret.
 */
export async function lockService(tx: Queries, name: string): Promise<LiveService | undefined> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('annul.services'))`)
  const [service] = await tx
    .select({ id: services.id, rights: services.rights })
    .from(services)
    .where(and(eq(services.name, name), isNull(services.endedAt)))
  if (service === undefined) return undefined
  const secrets = await tx
    .select({ id: serviceSecrets.id })
    .from(serviceSecrets)
    .where(and(eq(serviceSecrets.serviceId, service.id), isNull(serviceSecrets.endedAt)))
    .orderBy(serviceSecrets.createdAt, serviceSecrets.id)
  return { ...service, secretIds: secrets.map(({ id }) => id) }
}
