import { randomUUID } from 'node:crypto'
import { appendAudit } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { serviceSecrets, services } from '../database/tables.ts'
import { type Transacting, transact } from '../database/transact.ts'
import { badUserInput } from '../errors.ts'
import { hashServiceSecret, makeServiceSecret } from '../tokens/serviceSecret.ts'
import { type LiveService, lockService } from './liveService.ts'
import { checkRights, checkServiceName } from './rights.ts'

/** While a secret is replaced by the next: the former and the next. */
const mostSecrets = 2

export interface CreatedService {
  readonly rights: readonly string[]
  readonly secretId: string
  /** To be shown once: only its hash is stored. */
  readonly secret: string
  /** Whether the service was there, and this is its next secret. */
  readonly isFurther: boolean
}

/**
 * Makes a service, or the next secret of one that lives, so that its secret can be changed without a gap.
 *
 * @param input.rights of `feed`, `introspect` and `revoke`; of a service that lives: the same, or none given
 * @throws AuthError BAD_USER_INPUT: NAME_INVALID, RIGHTS_INVALID, RIGHTS_DIFFER, TOO_MANY_SECRETS
 */
export async function createService(
  parts: Transacting,
  input: { name: string; rights?: readonly string[] | null | undefined },
): Promise<CreatedService> {
  const name = checkServiceName(input.name)
  const given = input.rights == null ? undefined : checkRights(input.rights)
  const secret = makeServiceSecret()
  return transact(parts, async tx => {
    const found = await lockService(tx, name)
    const { id, rights } = found === undefined ? await insert(tx, name, given) : checkNext(found, given)
    const secretId = randomUUID()
    await tx.insert(serviceSecrets).values({ id: secretId, serviceId: id, hash: hashServiceSecret(secret) })
    const detail = `by the command; service ${name}; rights: ${rights.join(' ')}; secret ${secretId}`
    await appendAudit(tx, { kind: 'create-service', detail })
    return { rights, secretId, secret, isFurther: found !== undefined }
  })
}

async function insert(tx: Queries, name: string, given: readonly string[] | undefined) {
  // None given is told as no right given.
  const rights = [...checkRights(given ?? [])]
  const id = randomUUID()
  await tx.insert(services).values({ id, name, rights })
  return { id, rights }
}

/** Whether a service may have one more secret. @throws AuthError BAD_USER_INPUT */
function checkNext(service: LiveService, given: readonly string[] | undefined): LiveService {
  if (given !== undefined && given.join() !== service.rights.join())
    throw badUserInput(
      'rights',
      'RIGHTS_DIFFER',
      `This service has the rights ${service.rights.join(', ')}, which can not be changed. Give the same or none, or end the service first.`,
    )
  if (service.secretIds.length >= mostSecrets)
    throw badUserInput(
      'name',
      'TOO_MANY_SECRETS',
      `This service has ${mostSecrets} secrets. End the former one first: annul end-service NAME --secret ${service.secretIds[0]}`,
    )
  return service
}
