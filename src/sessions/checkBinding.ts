import type { Parts } from '../parts.ts'
import type { Visitor } from '../viewer.ts'

/**
 * Makes sure that an access token of this request can be bound as ANNUL_BIND asks. An unbound token is a token that a
 * thief could use anywhere, or, where it is refused, a session that its own user can't use.
 *
 * @throws Error for the operator's log: the server is wired wrongly, and its client can mend nothing
 */
export function checkBinding({ config }: Pick<Parts, 'config'>, visitor: Visitor): void {
  if (config.bind === 'none' || visitor.newBinding !== undefined) return
  throw new Error(
    'With ANNUL_BIND=ip no access token is issued to a client whose address is not known. The request that was handed ' +
      'to context() needs its socket, and a trusted proxy must put an address into X-Forwarded-For.',
  )
}
