import type { Config } from '../options.ts'
import { openStorage } from '../platform/storage.ts'

/**
 * Sends a request with the token of this device, and keeps the token of the answer. The header `annul-device` carries it
 * both ways where there is no cookie for it.
 *
 * @param isGiven whether the request gets the token. An empty one: the device has none yet, and the answer may give one
 */
export type Device = (
  isGiven: boolean,
  send: (headers: Record<string, string>) => Promise<Response>,
) => Promise<Response>

/**
 * The device token is kept beside the refresh token, and outlives a logout. A storage that fails loses the token only. In
 * cookie mode the browser keeps the token.
 */
export function openDevice({ storage, key }: Config): Device {
  if (storage === 'cookie') return (_, send) => send({})
  const items = openStorage(storage)
  const name = `${key}.device`
  return async (isGiven, send) => {
    const response = await send(
      isGiven ? { 'annul-device': (await items.get(name).catch(() => {})) ?? '' } : {},
    )
    const token = response.headers.get('annul-device')
    if (token) await items.set(name, token).catch(() => {})
    return response
  }
}
