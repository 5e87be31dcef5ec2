import Bowser from 'bowser'

/** No browser's User-Agent is longer. */
const maxLength = 512

/** A User-Agent in the form that is used everywhere: cut, because it is stored and the sender chooses its length. */
export function readUserAgent(header: string | undefined): string | null {
  return header?.slice(0, maxLength) ?? null
}

/** "Firefox on Linux", for a list of sessions that its owner can tell apart; null where the User-Agent says nothing. */
export function deviceName(userAgent: string | null): string | null {
  if (!userAgent) return null
  const { browser, os } = Bowser.parse(userAgent)
  const names = [browser.name, os.name].filter(name => name)
  const name = names.length > 0 ? names.join(' on ') : userAgent.split(/[\s/]/, 1)[0]
  // A name of two parts of the User-Agent may be longer than the User-Agent.
  return name?.slice(0, maxLength) || null
}
