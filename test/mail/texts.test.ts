import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { MailContents, MailKind } from '../../src/app/mails.ts'
import { ownText } from '../../src/mail/texts.ts'
import { deliver, mailFiles, makeToken } from '../support/mails.ts'
import { useServer } from '../support/server.ts'

const kinds: Record<MailKind, boolean> = {
  'confirm-registration': true,
  'address-taken': false,
  'verify-email': true,
  'reset-password': true,
  'confirm-new-email': true,
  'email-changed': true,
  'email-restored': false,
  'password-changed': false,
  'new-device': false,
  'reuse-detected': false,
  'factors-changed': false,
  'factors-reset': false,
  'factor-reset-begun': false,
  'passkey-cloned': false,
  'second-factor-failed': false,
  'account-deleted': false,
  'account-recovered': true,
}

const contents = (kind: MailKind, more: Partial<MailContents> = {}): MailContents => ({
  kind,
  recipient: 'ada@example.com',
  userId: null,
  siteName: 'The Shop',
  language: undefined,
  link: kinds[kind] ? 'https://auth.example.com/account/page?token=annul_ot_x' : null,
  code: kinds[kind] ? 'ABCD-EFGH' : null,
  lifeSeconds: kinds[kind] ? 1800 : null,
  expiresAt: kinds[kind] ? new Date('2026-03-01T13:00:30Z') : null,
  at: new Date('2026-03-01T12:30:30Z'),
  detail: { device: 'Firefox on Linux', ipAddress: '192.0.2.1' },
  ...more,
})

describe('Annul’s own text', () => {
  it.each(Object.keys(kinds) as MailKind[])('of %s says what happened, when, where, and what to do', kind => {
    const { subject, text, html } = ownText(contents(kind))
    expect(subject).toContain('The Shop')
    expect(subject).toMatch(/^[^\r\n]{10,200}$/)
    for (const body of [text, html]) {
      expect(body).toContain('The Shop')
      expect(body).toContain('Time: 2026-03-01 12:30 UTC')
      expect(body).toContain('Device: Firefox on Linux')
      expect(body).toContain('IP address: 192.0.2.1')
      expect(body).toMatch(/If (it was not you|you have|this happens)|The link gives/i)
      expect(body).not.toMatch(/undefined|null|\[object/)
      if (!kinds[kind]) continue
      expect(body).toContain('https://auth.example.com/account/page?token=annul_ot_x')
      expect(body).toContain('ABCD-EFGH')
      expect(body).toContain('Link and code work once, for 30 minutes, until 2026-03-01 13:00 UTC.')
    }
    expect(text.split('\n').every(({ length }) => length < 400)).toBe(true)
  })

  it.each(Object.keys(kinds) as MailKind[])('of %s has HTML that loads nothing and sets no colour', kind => {
    const { html } = ownText(contents(kind))
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(html).not.toMatch(
      /<(img|link|script|iframe|style|form|object|video|svg|base)\b|url\(|@import|src=/i,
    )
    expect(html).not.toMatch(/color:|background/i)
    expect([...html.matchAll(/https?:\/\/[^"<\s]+/g)].map(([url]) => url)).toEqual(
      kinds[kind] ? Array(2).fill('https://auth.example.com/account/page?token=annul_ot_x') : [],
    )
  })

  it('escapes everything that it is made from', () => {
    const evil = `<img src=x onerror="alert('1')">&amp;`
    const detail = { device: evil, ipAddress: evil, email: evil, change: evil }
    const { html, text } = ownText(
      contents('reset-password', { siteName: evil, detail, link: `https://a/"${evil}` }),
    )
    expect(html).not.toMatch(/<img|onerror="|[^=]"alert/)
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;')
    expect(text).toContain(`Device: ${evil}`)
  })

  it('speaks of the link alone where no code counts, and of 72 hours for the way back', () => {
    const life = { code: null, lifeSeconds: 72 * 3600, expiresAt: new Date('2026-03-04T12:30:00Z') }
    const { text, html } = ownText(contents('email-changed', life))
    for (const body of [text, html]) {
      expect(body).toContain('The link works once, for 72 hours, until 2026-03-04 12:30 UTC.')
      expect(body).not.toMatch(/type this code/)
    }
  })
})

describe('a mail of the outbox', () => {
  const server = useServer()

  it('shows link, code and life of its token', async () => {
    const tokenId = await makeToken(server, 'reset-password', { code: true })
    await deliver(server, { kind: 'reset-password', recipient: 'code@example.com', tokenId })
    const [mail] = await mailFiles(server, 'code@example.com')
    const code = server.auth.parts.oneTimeTokens.code(tokenId)
    expect(mail?.text).toContain(`\r\n${code.slice(0, 4)}-${code.slice(4)}\r\n`)
    const [{ ends } = { ends: '' }] = await server.rows<{ ends: string }>(sql`
      select to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI') as ends
      from annul.one_time_tokens where id = ${tokenId}`)
    expect(mail?.text).toContain(`Link and code work once, for 30 minutes, until ${ends} UTC.`)
  })

  it('shows no code where the token has none, and none of another mail', async () => {
    const tokenId = await makeToken(server, 'restore-email', { life: '72 hours' })
    await deliver(server, { kind: 'email-changed', recipient: 'back@example.com', tokenId })
    const [mail] = await mailFiles(server, 'back@example.com')
    expect(mail?.text).toContain('The link works once, for 72 hours')
    expect(mail?.text).not.toMatch(/[0-9A-Z]{4}-[0-9A-Z]{4}\r/)
  })

  it.each(['Go to evil.example now/1', 'https://evil.example', 'Win money <b>', 'x'.repeat(41)])(
    'does not repeat the device %p, which an attacker may have written',
    async device => {
      const recipient = `device-${device.length}@example.com`
      await deliver(server, {
        kind: 'password-changed',
        recipient,
        detail: { device, ipAddress: '192.0.2.1' },
      })
      const [mail] = await mailFiles(server, recipient)
      expect(mail?.text).toContain('IP address: 192.0.2.1')
      expect(mail?.raw).not.toMatch(/Device:|evil|money|xxxx/)
    },
  )
})
