/*
 * The names of the mirror's keys in Redis (docs/redis.md). They share one hash tag, so that a cluster keeps all of them
 * in one place: one MGET reads them in one step, and one script writes them.
 */

const prefix = '{annul}:'

/** Exists while the other keys may be believed. Its value is database time, in milliseconds since 1970. */
export const freshKey = `${prefix}fresh`
/** The lowest epoch that is accepted. */
export const epochKey = `${prefix}epoch`

/** `minVersion reason`: the lowest version of the user's tokens that is accepted. */
export function userKey(sub: string): string {
  return `${prefix}user:${sub}`
}

/** The reason why the session has ended. */
export function sessionKey(sid: string): string {
  return `${prefix}session:${sid}`
}

/** The reason why nothing is accepted that this key has signed. */
export function signingKeyKey(kid: string): string {
  return `${prefix}key:${kid}`
}

/** How many batches a node has written. */
export function positionKey(node: string): string {
  return `${prefix}at:${node}`
}
