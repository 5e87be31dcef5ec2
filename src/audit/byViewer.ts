import { originOf } from '../input/origin.ts'
import type { Viewer } from '../viewer.ts'

/**
 * The part of an audit event about the actor and the origin. The actor is also the user concerned, unless the caller
 * sets another `userId`.
 *
 * @param viewer null: the operator, on the command line
 */
export function byViewer(viewer: Viewer | null) {
  if (viewer === null) return { actorId: null, detail: 'by the command' }
  return {
    actorId: viewer.userId,
    userId: viewer.userId,
    sessionId: viewer.sessionId,
    ...originOf(viewer),
  }
}
