import Bowser from 'bowser'

/** Longer ones are cut: nobody's browser, and it is stored. */
const maxLength = 512

/** The User-Agent as it is stored. */
export function storedUserAgent(userAgent: string | null): string | null {
  return userAgent?.slice(0, maxLength) ?? null
}

/** "Firefox on Linux", for a list of sessions that its owner can tell apart; null where the User-Agent says nothing. */
export function deviceName(userAgent: string | null): string | null {
  if (!userAgent) return null
  const { browser, os } = Bowser.parse(userAgent)
  const names = [browser.name, os.name].filter(name => name)
  return names.length > 0 ? names.join(' on ') : userAgent.split(/[\s/]/, 1)[0] || null
}
