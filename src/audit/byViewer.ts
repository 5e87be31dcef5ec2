import { deviceName } from '../input/device.ts'
import type { Viewer } from '../viewer.ts'

/** The part of an audit event that says who did it, from where. Unless said otherwise they did it to themselves. */
export function byViewer(viewer: Viewer) {
  return {
    actorId: viewer.userId,
    userId: viewer.userId,
    sessionId: viewer.sessionId,
    ipAddress: viewer.ipAddress,
    device: deviceName(viewer.userAgent),
  }
}
