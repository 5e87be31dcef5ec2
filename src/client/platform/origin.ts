import { platform } from './platform.ts'

/**
 * Where a request goes: its origin (`https://host:port`, lower case, no default port), and its address without query and
 * fragment. Both are undefined for a URL that could be read in two ways, so that no token is sent there.
 *
 * @param url absolute, or relative to the page
 */
export function locate(url: string): { origin?: string | undefined; address?: string | undefined } {
  try {
    const { origin, pathname } = new URL(url, platform.location?.href)
    return { origin, address: origin + pathname }
  } catch {
    // The URL is not absolute, or this is a React Native whose URL has no `origin`. Only a plain host passes. URLs with
    // a user name (https://api.example.com@evil.example) or a backslash are refused: their real target is uncertain.
    const [address, origin] = /^(https?:\/\/[a-z\d.-]+(:\d+)?)(\/[^?#]*)?(?![^?#])/i.exec(url) ?? []
    return { origin: origin?.toLowerCase(), address }
  }
}
