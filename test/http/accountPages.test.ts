import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import { makeToken } from '../support/oneTimeLinks.ts'
import { startTestServer, useServer } from '../support/server.ts'

/* The pages behind the links in mails, word by word over HTTP. A browser's view of them: accountPagesBrowser.test.ts. */

const siteName = `<script>alert('site')</script> & "Sons"`
const lines: string[] = []
const server = useServer({ env: { ANNUL_SITE_NAME: siteName }, onLogLine: line => lines.push(line) })

const pages = ['verify-email', 'reset-password', 'restore-email'] as const
const newPassword = 'a quite new password of words'

const ask = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`${server.url}/account/${path}`, { redirect: 'manual', ...init })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const post = (path: string, fields: Record<string, string> | string, headers: Record<string, string> = {}) =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
  })
const reset = (token: string, headers?: Record<string, string>) =>
  post('reset-password', { token, newPassword, repeated: newPassword }, headers)
const open = (path: string, token: string) => ask(`${path}?token=${encodeURIComponent(token)}`)
const isUsed = async (token: string) => {
  const [row] = await server.rows<{ used: boolean }>(sql`
    select ended_at is not null as used from annul.one_time_tokens
    where id = ${server.auth.parts.oneTimeTokens.read(token) ?? ''}`)
  return row?.used
}

describe.each(pages)('/account/%s', path => {
  it('is sent with headers that let nothing run, nothing load and nothing leak', async () => {
    const { status, headers, text } = await ask(path)
    expect(status).toBe(200)
    const hash = createHash('sha256')
      .update(text.match(/<style>([\s\S]*)<\/style>/)?.[1] ?? '')
      .digest('base64')
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(text).not.toMatch(
      /<script|<link|<img|<iframe|<base|<meta http-equiv|javascript:|\son\w+=|@import|url\(/i,
    )
    expect(text).not.toMatch(/https?:\/\//)
    expect(text).toContain('<html lang="en">')
  })

  it('sets no cookie by GET, and answers HEAD alike, without a body', async () => {
    const { headers } = await ask(path)
    expect(headers.getSetCookie()).toEqual([])
    expect(headers.get('annul-device')).toBeNull()
    const head = await ask(path, { method: 'HEAD' })
    expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' })
    expect(head.headers.get('content-security-policy')).toBe(headers.get('content-security-policy'))
  })

  it('answers other methods with 405', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const { status, headers, text } = await ask(path, { method })
      expect({ method, status, allow: headers.get('allow') }).toEqual({
        method,
        status: 405,
        allow: 'GET, HEAD, POST',
      })
      expect(text).toContain('<!doctype html>')
    }
  })

  it.each([
    ['JSON', 'application/json', '{"token":"a"}'],
    ['plain text', 'text/plain', 'token=a'],
    ['several parts', 'multipart/form-data; boundary=a', '--a\r\n\r\n--a--\r\n'],
  ])('answers a body of %s with 415', async (_, type, body) => {
    const { status, headers, text } = await ask(path, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    expect({ status, type: headers.get('content-type') }).toEqual({
      status: 415,
      type: 'text/html; charset=utf-8',
    })
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(text).toContain('can not be read')
  })

  it('answers a body above 8,000 bytes with 413', async () => {
    const { status, text } = await post(path, `token=${'a'.repeat(8000)}`)
    expect(status).toBe(413)
    expect(text).toContain('can not be read')
  })

  it.each([
    ['a field twice', 'token=a&token=b'],
    ['an unknown field', 'token=a&admin=true'],
    ['bytes that are no UTF-8', 'token=%ff'],
    ['bytes that are no UTF-8 beside the token', 'token=a&newPassword=%c3%28'],
  ])('refuses a form with %s', async (_, body) => {
    const { status, text } = await post(path, body)
    expect(status).toBe(400)
    expect(text).toContain('can not be read')
  })

  it.each([
    ['a foreign origin', { origin: 'https://evil.example' }],
    [
      'a foreign origin that claims to be its own',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
    ['a foreign site without an origin', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbouring subdomain', { 'sec-fetch-site': 'same-site' }],
    ['an opaque origin', { origin: 'null' }],
    ['an opaque origin of a foreign site', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ])('refuses a form of %s, and uses nothing up', async (_, headers) => {
    const token = await makeToken(server, path, await server.signUp())
    const { status, text, headers: answered } = await post(path, fieldsOf(path, token), headers)
    expect(status).toBe(403)
    expect(text).toContain('sent by another page')
    expect(answered.getSetCookie()).toEqual([])
    expect(await isUsed(token)).toBe(false)
    expect(lines.at(-1)).toContain('ORIGIN_NOT_ALLOWED')
  })

  it.each([
    ['no browser', {}],
    ['its own page, which sends no origin', { origin: 'null', 'sec-fetch-site': 'same-origin' }],
    ['its own origin', { origin: 'own' }],
  ])('carries out a form of %s', async (_, sent: Record<string, string>) => {
    const token = await makeToken(server, path, await server.signUp())
    const headers = sent.origin === 'own' ? { origin: server.url } : sent
    const { status } = await post(path, fieldsOf(path, token), headers)
    expect(status).toBe(200)
    expect(await isUsed(token)).toBe(true)
  })

  it('shows no text of the address but a token of its own, and names the site escaped', async () => {
    for (const text of [
      '"><script>alert(1)</script>',
      "'><img src=x onerror=alert(1)>",
      '{{alert(1)}}',
      `annul_ot_${'<'.repeat(64)}`,
      'javascript:alert(1)',
    ]) {
      const page = await open(path, text)
      expect(page.status).toBe(200)
      expect(page.text).not.toContain(text)
      expect(page.text).not.toMatch(/<(script|img)/)
    }
    const { text } = await ask(`${path}?token=a&token=b`)
    expect(text).toContain('&#60;script&#62;alert(&#39;site&#39;)&#60;/script&#62; &#38; &#34;Sons&#34;')
  })

  it('survives a scanner: a hundred GETs and HEADs of a link use nothing up, and the form succeeds', async () => {
    const token = await makeToken(server, path, await server.signUp())
    for (let times = 0; times < 100; times++) {
      const { status, text } =
        times % 4 === 3 ? await ask(`${path}?token=${token}`, { method: 'HEAD' }) : await open(path, token)
      expect(status).toBe(200)
      if (times === 0) expect(text).toContain(`<input type="hidden" name="token" value="${token}">`)
    }
    expect(await isUsed(token)).toBe(false)
    expect((await post(path, fieldsOf(path, token))).status).toBe(200)
    const again = await post(path, fieldsOf(path, token))
    expect(again.status).toBe(400)
    expect(again.text).toContain('role="alert"')
    expect(again.text).not.toContain(token)
  })

  it('carries out a form once, when it is sent twice at once', async () => {
    const token = await makeToken(server, path, await server.signUp())
    const answers = await Promise.all([1, 2].map(() => post(path, fieldsOf(path, token))))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
  })

  it('writes neither token nor address to the log', async () => {
    const token = await makeToken(server, path, await server.signUp())
    const before = lines.length
    await open(path, token)
    await post(`${path}?token=${token}`, fieldsOf(path, token))
    const written = lines.slice(before).join('')
    expect(written).toContain(`"route":"/account/${path}"`)
    expect(written).not.toContain(token)
    expect(written).not.toContain('?')
  })

  it('refuses a token of another purpose', async () => {
    const other = path === 'verify-email' ? 'reset-password' : 'verify-email'
    const token = await makeToken(server, other, await server.signUp())
    const { status } = await post(path, fieldsOf(path, token))
    expect(status).toBe(400)
    expect(await isUsed(token)).toBe(false)
  })
})

function fieldsOf(path: (typeof pages)[number], token: string): Record<string, string> {
  return path === 'reset-password' ? { token, newPassword, repeated: newPassword } : { token }
}

describe('The page that sets a password', () => {
  it('sets it, ends every session, opens none, and says so', async () => {
    const account = await server.signUp()
    const { status, text, headers } = await reset(await makeToken(server, 'reset-password', account))
    expect(status).toBe(200)
    expect(text).toContain('All sessions of the account have ended')
    expect(headers.getSetCookie().join()).not.toContain('annul-refresh')
    expect(text).not.toMatch(/annul_rt_|eyJ/)

    const { reason } = await server.send('{ me { id } }', { token: account.accessToken })
    expect(reason).toBe('PASSWORD_CHANGED')
    const [{ live } = { live: -1 }] = await server.rows<{ live: number }>(sql`
      select count(*)::int as live from annul.sessions s join annul.users u on u.id = s.user_id
      where u.id = ${account.userId} and s.session_version = u.session_version and s.ended_at is null`)
    expect(live).toBe(0)
    const events = await server.rows(sql`
      select actor_id = user_id as own, session_id as session, host(ip_address) as address
      from annul.audit_events where user_id = ${account.userId} and kind = 'reset-password'`)
    expect(events).toEqual([{ own: true, session: null, address: '127.0.0.1' }])
    await expect(server.login(account)).rejects.toThrow('INVALID_CREDENTIALS')
    await server.login({ ...account, password: newPassword })
  })

  it.each([
    ['is too short', 'short', 'at least 15 characters'],
    ['is too long', 'x'.repeat(300), 'at most 256 characters'],
    ['has a control character', `${'x'.repeat(20)}\u0007`, 'no control characters'],
  ])('tells why a password can’t be used that %s, and keeps the token', async (_, password, message) => {
    const token = await makeToken(server, 'reset-password', await server.signUp())
    const { status, text } = await post('reset-password', {
      token,
      newPassword: password,
      repeated: password,
    })
    expect(status).toBe(400)
    expect(text).toMatch(new RegExp(`role="alert" id="newPassword-error">[^<]*${message}`))
    expect(text).toContain('aria-invalid="true"')
    expect(text).toContain(`value="${token}"`)
    expect(text).not.toContain(`"${password}"`)
    expect(await isUsed(token)).toBe(false)
    expect((await reset(token)).status).toBe(200)
  })

  it('hides what is typed, and lets password managers and the clipboard in (ASVS 5.0 6.2.6 and 6.2.7)', async () => {
    const { text } = await ask('reset-password')
    const fields = text.match(/<input[^>]*name="(newPassword|repeated)"[^>]*>/g) ?? []
    expect(fields).toHaveLength(2)
    for (const field of fields) {
      expect(field).toContain('type="password"')
      expect(field).toContain('autocomplete="new-password"')
      expect(field).not.toMatch(/onpaste|readonly|maxlength/)
    }
  })

  it('wants the password twice, and every field filled in', async () => {
    const token = await makeToken(server, 'reset-password', await server.signUp())
    const unlike = await post('reset-password', { token, newPassword, repeated: `${newPassword}.` })
    expect(unlike.text).toContain('id="repeated-error">The two passwords are not the same.')
    const empty = await post('reset-password', { token, newPassword: '', repeated: '' })
    expect(empty.text).toContain('id="newPassword-error">Please fill in this field.')
    const nothing = await ask('reset-password', { method: 'POST' })
    expect({ status: nothing.status, told: nothing.text.includes('id="token-error"') }).toEqual({
      status: 400,
      told: true,
    })
    expect(await isUsed(token)).toBe(false)
  })

  it('asks for a mail with the same answer whether or not there is an account, and never shows the address', async () => {
    const { email } = await server.signUp()
    const texts: string[] = []
    for (const typed of [email, 'nobody@example.com', '"><script>alert(1)</script>@example.com']) {
      const { status, text } = await post('reset-password', { email: typed })
      expect(text).not.toContain(typed)
      if (status === 200) texts.push(text)
    }
    expect(texts.length).toBeGreaterThanOrEqual(2)
    expect(new Set(texts).size).toBe(1)
    expect(texts[0]).toContain('a mail is on its way')
  })
})

describe('The code beside the link', () => {
  it('counts where the mail was asked for, and nowhere else', async () => {
    const account = await server.signUp()
    const own = { origin: 'null', 'sec-fetch-site': 'same-origin' }
    const asked = await post('reset-password', { email: account.email }, own)
    const cookie = asked.headers
      .getSetCookie()
      .map(each => each.split(';', 1)[0])
      .join('; ')
    expect(cookie).toMatch(/^__Host-annul-device=/)
    const [row] = await server.rows<{ id: string }>(sql`
      select id from annul.one_time_tokens where user_id = ${account.userId} and ended_at is null`)
    const code = server.auth.parts.oneTimeTokens.code(row?.id ?? '')
    const typed = `${code.slice(0, 4)}-${code.slice(4).toLowerCase()}`

    const elsewhere = await reset(typed, own)
    expect(elsewhere.status).toBe(400)
    expect(elsewhere.text).toContain('id="token-error"')
    const here = await reset(typed, { ...own, cookie })
    expect(here.status).toBe(200)
    await server.login({ ...account, password: newPassword })
  })
})

describe('The page that takes an address back', () => {
  it('needs the link, since its mail has no code', async () => {
    const { text } = await ask('restore-email')
    expect(text).not.toContain('<form')
    expect(text).toContain('needs the link')
  })
})

describe('A failure', () => {
  // The embedded database can't be away.
  const onlyPostgres = onPostgres ? it : it.skip
  onlyPostgres('of the database is a page of words, with Retry-After', async () => {
    const own = await startTestServer()
    try {
      const token = await makeToken(own, 'verify-email', await own.signUp())
      await own.auth.close()
      const response = await fetch(`${own.url}/account/verify-email`, {
        method: 'POST',
        body: new URLSearchParams({ token }),
      })
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('1')
      const text = await response.text()
      expect(text).toContain('Please wait a moment')
      expect(text).not.toMatch(/postgres|select|CONNECTION|\.ts\b|Error/)
    } finally {
      await own.close()
    }
  })
})

describe('Bytes that no browser sends', () => {
  it.each(['%', '%00', '%ff%fe', 'annul_ot_%00', '[]', '%5B%5D', '__proto__'])(
    'in the address: ?token=%s',
    async text => {
      // fetch would correct the address.
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const { hostname, port } = new URL(server.url)
        const sent = request({ hostname, port, path: `/account/verify-email?token=${text}` }, response => {
          response.resume()
          resolve(response.statusCode)
        })
        sent.on('error', reject)
        sent.end()
      })
      expect([200, 400]).toContain(status)
    },
  )
})

describe('A server with no room', () => {
  it('answers with a page of words, and Retry-After', async () => {
    const own = await startTestServer({ config: { maxInFlight: 0 } })
    try {
      for (const method of ['GET', 'POST']) {
        const response = await fetch(`${own.url}/account/reset-password`, { method })
        expect({
          status: response.status,
          wait: response.headers.get('retry-after'),
          type: response.headers.get('content-type'),
          policy: response.headers.get('content-security-policy')?.includes("form-action 'self'"),
        }).toEqual({ status: 503, wait: '1', type: 'text/html; charset=utf-8', policy: true })
        expect(await response.text()).toContain('Send the form again in 1 second.')
      }
    } finally {
      await own.close()
    }
  })
})
