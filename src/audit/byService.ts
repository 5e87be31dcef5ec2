import { originOf } from '../input/origin.ts'
import type { Visitor } from '../viewer.ts'

const start = 'by the service '

/** The part of an audit event about the actor and the origin, where a service acts: no user is the actor. */
export function byService(service: { readonly name: string }, visitor: Visitor) {
  return { actorId: null, ...originOf(visitor), detail: start + service.name }
}

/** Whether a service has caused an event: then its origin is the service's own, and not for the user to see. */
export function isByService(event: {
  readonly actorId: string | null
  readonly detail: string | null
}): boolean {
  return event.actorId === null && event.detail?.startsWith(start) === true
}
