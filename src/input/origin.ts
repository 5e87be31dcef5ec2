import { deviceName } from './device.ts'

/** Where a request came from, for the audit and for the text of a mail. */
export function originOf({ ipAddress, userAgent }: { ipAddress: string | null; userAgent: string | null }) {
  return { ipAddress, device: deviceName(userAgent) }
}
