import type { Log } from '../log.ts'
import type { ViewerClaims } from '../viewer.ts'

/**
 * Tokens that are bound (ANNUL_BIND) to what reaches the auth nodes alone.
 *
 * @returns says of claims whether they are accepted as far as this goes; the log is told of the first that are not
 */
export function refuseBound({
  acceptBound,
  log,
}: {
  acceptBound: boolean
  log: Log
}): (claims: ViewerClaims) => boolean {
  let isTold = false
  return ({ cnf }) => {
    if (cnf === undefined || acceptBound) return true
    if (!isTold)
      log.warn(
        {},
        'A token is refused because it is bound (ANNUL_BIND), which can not be checked here: see acceptBound.',
      )
    isTold = true
    return false
  }
}
