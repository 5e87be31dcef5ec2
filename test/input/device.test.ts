import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { deviceName, readUserAgent } from '../../src/input/device.ts'
import { useServer } from '../support/server.ts'

/* An attacker chooses how long a User-Agent is, and failed logins store what it says. */

const longest = 512
const endless: [string, string][] = [
  ['one word', 'x'.repeat(11_000)],
  ['a name and a version', `${'x'.repeat(11_000)}/1.0`],
  ['a name that fills the limit on a system', `${'x'.repeat(504)}/1 Linux`],
  ['a browser with a long version', `Mozilla/5.0 (X11; Linux x86_64) Firefox/${'1'.repeat(11_000)}`],
  ['code points of two units', '😀'.repeat(5500)],
]

describe('a User-Agent', () => {
  it('is cut at 512 characters', () => {
    expect(readUserAgent('x'.repeat(longest))).toHaveLength(longest)
    expect(readUserAgent('x'.repeat(11_000))).toHaveLength(longest)
    expect(readUserAgent(undefined)).toBeNull()
  })

  it.each(endless)('names a device in at most 512 characters: %s', (_, text) => {
    const name = deviceName(readUserAgent(text))
    expect(name?.length).toBeGreaterThan(0)
    expect(name?.length).toBeLessThanOrEqual(longest)
  })
})

describe('what is stored of it', () => {
  const server = useServer()

  it.each(endless.filter(([, text]) => /^[ -~]*$/.test(text)))(
    'is at most 512 characters, of a failed login, of a good one, and of its session: %s',
    async (_, text) => {
      const { email, password } = await server.signUp()
      const login = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }'
      const headers = { 'user-agent': text }
      for (const attempt of [password, 'not the password'])
        await server.send(login, { variables: { input: { email, password: attempt } }, headers })
      const [sizes] = await server.rows<Record<string, number>>(sql`select
        (select max(length(device)) from annul.audit_events where kind = 'login-failed') as failed,
        (select max(length(device)) from annul.audit_events) as audited,
        (select max(length(user_agent)) from annul.sessions) as stored`)
      for (const size of Object.values(sizes ?? {})) {
        expect(size).toBeGreaterThan(0)
        expect(size).toBeLessThanOrEqual(longest)
      }
      expect(Object.keys(sizes ?? {})).toHaveLength(3)
    },
  )
})
