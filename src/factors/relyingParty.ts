import { isIP } from 'node:net'
import type { Config } from '../config.ts'

/** What passkeys are tied to: WebAuthn's relying party. */
export interface RelyingParty {
  /** The RP ID: the host that a passkey is made for, and that its signatures name. */
  readonly id: string
  readonly name: string
  /** Whether a page of this origin may use the passkeys. */
  isExpected(origin: string): boolean
  /** Expected origins whose host is not below the RP ID: a browser asks for them (WebAuthn Level 3, 5.11.1). */
  readonly related: readonly string[]
}

export type PartySettings = Pick<Config, 'publicUrl' | 'allowedOrigins' | 'siteName'>

const development = 'localhost'

/**
 * The relying party of the settings. Never made of a request: a forged `Host` would choose which origins are believed.
 *
 * The RP ID is the host of ANNUL_PUBLIC_URL. Without a public URL it is `localhost`, for pages of any port there, because
 * the port is not known beforehand: so passkeys work in development, and nowhere else. An IP address can't be an RP ID
 * and counts as none.
 */
export function relyingParty({ publicUrl, allowedOrigins = [], siteName }: PartySettings): RelyingParty {
  const own = publicUrl === undefined ? undefined : new URL(publicUrl)
  const isNamed = own !== undefined && isName(own.hostname)
  const id = isNamed ? own.hostname : development
  const origins = [...(own === undefined ? [] : [own.origin]), ...allowedOrigins].filter(isSecure)
  return {
    id,
    name: siteName,
    isExpected: origin => origins.includes(origin) || (!isNamed && isLocal(origin)),
    related: [...new Set(origins)].filter(origin => !isBelow(new URL(origin).hostname, id)),
  }
}

function isName(host: string): boolean {
  return isIP(host) === 0 && !host.startsWith('[')
}

/** Browsers have WebAuthn in secure contexts alone. */
function isSecure(origin: string): boolean {
  return origin.startsWith('https:') || isLocal(origin)
}

function isLocal(origin: string): boolean {
  return /^https?:\/\/localhost(:\d{1,5})?$/.test(origin)
}

function isBelow(host: string, id: string): boolean {
  return host === id || host.endsWith(`.${id}`)
}
