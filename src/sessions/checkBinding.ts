import type { Parts } from '../parts.ts'
import type { Sender } from '../viewer.ts'

/**
 * Makes sure that an access token of this request can be bound as ANNUL_BIND asks. A thief could use an unbound token
 * anywhere; and where unbound tokens are refused, the user could not use the session.
 *
 * @throws Error for the operator's log: the server is set up wrongly, and the client can't change that
 */
export function checkBinding({ config }: Pick<Parts, 'config'>, visitor: Sender): void {
  if (config.bind === 'none' || visitor.newBinding !== undefined) return
  throw new Error(
    'With ANNUL_BIND=ip no access token is issued to a client whose address is not known. The request that was handed ' +
      'to context() needs its socket, and a trusted proxy must put an address into X-Forwarded-For.',
  )
}
