import { deviceName } from '../input/device.ts'
import type { Sender } from '../viewer.ts'

/** Where a request came from, for the audit and for the text of a mail. */
export function originOf(visitor: Sender) {
  return { ipAddress: visitor.ipAddress, device: deviceName(visitor.userAgent) }
}
