import { setTimeout as delay } from 'node:timers/promises'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { serviceSecrets, services } from '../database/tables.ts'
import { type Transacting, transact } from '../database/transact.ts'
import { notFound } from '../errors.ts'
import { checkId } from '../input/id.ts'
import { clockRate } from '../revocation/clock.ts'
import { lockService } from './liveService.ts'
import { rememberedMs } from './openServices.ts'
import { checkServiceName } from './rights.ts'

/**
 * Ends a service, or one of its secrets. Returns when no node accepts an ended secret any more: every node looks a
 * secret up again after a second, and this waits for as long.
 *
 * @param input.secretId the secret to end; without it, the service ends with all its secrets
 * @throws AuthError NOT_FOUND, also for what has ended; BAD_USER_INPUT
 */
export async function endService(
  parts: Transacting,
  input: { name: string; secretId?: string | null | undefined },
): Promise<void> {
  const name = checkServiceName(input.name)
  const secretId = input.secretId == null ? undefined : checkId(input.secretId, 'secret')
  await transact(parts, async tx => {
    const service = await lockService(tx, name)
    if (service === undefined) throw notFound('service')
    if (secretId !== undefined && !service.secretIds.includes(secretId)) throw notFound('secret')
    const ended = { endedAt: sql`now()` }
    await tx
      .update(serviceSecrets)
      .set(ended)
      .where(
        and(
          eq(serviceSecrets.serviceId, service.id),
          isNull(serviceSecrets.endedAt),
          secretId === undefined ? undefined : eq(serviceSecrets.id, secretId),
        ),
      )
    if (secretId === undefined) await tx.update(services).set(ended).where(eq(services.id, service.id))
    const detail = `by the command; service ${name}${secretId === undefined ? '' : `; secret ${secretId}`}`
    await appendAudit(tx, { kind: 'end-service', detail })
  })
  await delay(rememberedMs * clockRate)
}
