import { platform } from './platform.ts'

/**
 * Where a request goes: its origin (`https://host:port`, lower case, no default port), and its address without query and
 * fragment. Undefined where that is not plain: the token is sent to no address that could be read in two ways.
 *
 * @param url relative ones are of the page
 */
export function locate(url: string): { origin?: string | undefined; address?: string | undefined } {
  try {
    const { origin, pathname } = new URL(url, platform.location?.href)
    return { origin, address: origin + pathname }
  } catch {
    // No absolute URL, or a React Native whose URL has no `origin`. Only a plain host passes: after a user name
    // (https://api.example.com@evil.example) or a backslash it is not for us to guess where the request will go.
    const [address, origin] = /^(https?:\/\/[a-z0-9.-]+(?::\d+)?)(?:\/[^?#]*)?(?=[?#]|$)/i.exec(url) ?? []
    return { origin: origin?.toLowerCase(), address }
  }
}
