import { deviceName } from '../input/device.ts'
import type { Visitor } from '../viewer.ts'

/** Where a request came from, for the audit and for the text of a mail. */
export function originOf(visitor: Visitor) {
  return { ipAddress: visitor.ipAddress, device: deviceName(visitor.userAgent) }
}
