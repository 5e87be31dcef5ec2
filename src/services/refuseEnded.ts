import type { Queries } from '../database/open.ts'
import { findLiveSecrets, type Service } from './findService.ts'

/** The secret that a service has shown was ended meanwhile. */
export class ServiceEndedError extends Error {
  override readonly name = 'ServiceEndedError'
}

/**
 * To be called first in a transaction that acts for a service. Its request may have waited for a connection since its
 * secret was looked up, and what it asks for must not commit after the secret's end.
 *
 * @throws ServiceEndedError
 */
export async function refuseEnded(tx: Queries, { secretId }: Service): Promise<void> {
  const live = await findLiveSecrets(tx, [secretId])
  if (!live.has(secretId)) throw new ServiceEndedError('The secret of the service has ended.')
}
