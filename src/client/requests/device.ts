import type { Config } from '../options.ts'
import { openStorage } from '../platform/storage.ts'

/** The token of this device, which the header `annul-device` carries both ways where there is no cookie for it. */
export interface DeviceToken {
  /** The header of a request. Empty: the device has no token yet, and the answer may give one. */
  headers(): Promise<Record<string, string>>
  /** Keeps the token of an answer. */
  keep(response: Response): Promise<void>
}

/**
 * The device token is kept beside the refresh token, and outlives a logout. A storage that fails loses the token only.
 *
 * @returns undefined in cookie mode, where the browser keeps the token
 */
export function openDeviceToken({ storage, key }: Config): DeviceToken | undefined {
  if (storage === 'cookie') return undefined
  const items = openStorage(storage)
  const name = `${key}.device`
  return {
    headers: async () => ({ [header]: (await items.get(name).catch(() => {})) ?? '' }),
    keep: async response => {
      const token = response.headers.get(header)
      if (token) await items.set(name, token).catch(() => {})
    },
  }
}

const header = 'annul-device'
