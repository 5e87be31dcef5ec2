import { and, asc, eq, isNull } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { serviceSecrets, services } from '../database/tables.ts'

/** A live service as it is listed. Secrets are named by their ids: the secrets themselves are stored nowhere. */
export interface ListedService {
  readonly name: string
  readonly rights: readonly string[]
  readonly createdAt: Date
  /** Those that live, the oldest first. */
  readonly secrets: readonly { readonly id: string; readonly createdAt: Date }[]
}

/** All live services, by name. */
export async function listServices(queries: Queries): Promise<readonly ListedService[]> {
  const found = await queries
    .select({
      name: services.name,
      rights: services.rights,
      createdAt: services.createdAt,
      secretId: serviceSecrets.id,
      secretAt: serviceSecrets.createdAt,
    })
    .from(services)
    .leftJoin(serviceSecrets, and(eq(serviceSecrets.serviceId, services.id), isNull(serviceSecrets.endedAt)))
    .where(isNull(services.endedAt))
    .orderBy(asc(services.name), asc(serviceSecrets.createdAt), asc(serviceSecrets.id))
  const byName = new Map<string, ListedService & { secrets: { id: string; createdAt: Date }[] }>()
  for (const { name, rights, createdAt, secretId, secretAt } of found) {
    const service = byName.get(name) ?? { name, rights, createdAt, secrets: [] }
    byName.set(name, service)
    if (secretId !== null && secretAt !== null) service.secrets.push({ id: secretId, createdAt: secretAt })
  }
  return [...byName.values()]
}
