import { type Answer, tokenFields } from '../../support/client.ts'
import type { TestServer } from '../../support/server.ts'
import { newAttempt } from './support.ts'

export const refreshCookie = '__Host-annul-refresh'
export const sessionCookie = '__Host-annul-session'

interface Options {
  readonly variables?: Record<string, unknown>
  readonly token?: string
  readonly headers?: Record<string, string>
}

/** One browser's cookies, and the Origin that it puts on every POST. */
export function createBrowser(node: Pick<TestServer, 'send' | 'url'>, origin: string | null = node.url) {
  /** Those of the session. */
  const cookies = new Map<string, string>()
  /** The device outlives the session. */
  const device = new Map<string, string>()
  const browser = {
    cookies,
    device,
    async send(query: string, { variables, token, headers }: Options = {}) {
      const cookie = [...device, ...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await node.send<Record<string, Record<string, unknown>>>(query, {
        ...(variables && { variables }),
        ...(token && { token }),
        headers: { ...(origin && { origin }), ...(cookie && { cookie }), ...headers },
      })
      for (const { name, value, attributes } of allCookies(answer))
        if (attributes.includes('Max-Age=0')) cookies.delete(name)
        else (name === deviceCookie ? device : cookies).set(name, value)
      return answer
    },
    /** A fresh account, signed in by the cookie. */
    async register() {
      const email = `user-${newAttempt()}@example.com`
      const input = { email, password: `password ${newAttempt()}`, cookie: true }
      const answer = await browser.send(registerWith, { variables: { input } })
      return { ...input, ...tokensOf(answer, 'register'), answer }
    },
    refresh: (attempt?: string, headers: Record<string, string> = {}) =>
      browser.send(refreshWith, { variables: { attempt }, headers }),
    /** What the page makes of the readable cookie. */
    attempt: () => `${cookies.get(sessionCookie)}.${newAttempt()}`,
  }
  return browser
}

export const registerWith = `mutation ($input: RegisterInput!) { register(input: $input) { ${tokenFields} } }`
export const loginWith = `mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`
export const refreshWith = `mutation ($attempt: String) { refresh(attempt: $attempt) { ${tokenFields} } }`

export const deviceCookie = '__Host-annul-device'

/** What an answer sets for the session. The cookie of the device is tested by itself (test/request/device.test.ts). */
export function setCookies(answer: Answer<unknown>) {
  return allCookies(answer).filter(({ name }) => name !== deviceCookie)
}

/** What an answer sets, attributes in order of the alphabet. */
export function allCookies({ headers }: Answer<unknown>) {
  return headers.getSetCookie().map(line => {
    const [pair = '', ...attributes] = line.split('; ')
    const at = pair.indexOf('=')
    return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes: attributes.sort() }
  })
}

/** The tokens of an answer that is expected to have them. */
export function tokensOf(answer: Answer<Record<string, Record<string, unknown>>>, field: string) {
  const found = answer.data?.[field]
  if (!found) throw new Error(`${field} failed: ${JSON.stringify(answer.errors)}`)
  return found as { accessToken: string; refreshToken: string | null; session: { id: string } }
}
