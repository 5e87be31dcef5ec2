import { expect, it } from '@jest/globals'
import type { MailContents } from '../../src/app/mails.ts'
import { ownText } from '../../src/mail/texts.ts'

const contents = (detail: MailContents['detail']): MailContents => ({
  ...{ kind: 'factors-changed', recipient: 'ada@example.com', userId: null, siteName: 'The Shop' },
  ...{ language: undefined, link: null, code: null, lifeSeconds: null, expiresAt: null },
  at: new Date('2026-03-01T12:30:30Z'),
  detail,
})

const unknown = 'A second factor, a passkey or the recovery codes of your account at The Shop were changed.'

it.each([
  [{ change: 'ADDED', factor: 'TOTP' }, 'An authenticator app was added to your account at The Shop.'],
  [{ change: 'ADDED', factor: 'PASSKEY' }, 'A passkey was added to your account at The Shop.'],
  [{ change: 'REMOVED', factor: 'TOTP' }, 'An authenticator app was removed from your account at The Shop.'],
  [{ change: 'REMOVED', factor: 'PASSKEY' }, 'A passkey was removed from your account at The Shop.'],
  [
    { change: 'REMOVED', factor: 'RECOVERY_CODE' },
    'The recovery codes were removed from your account at The Shop.',
  ],
  [
    { change: 'NEW_CODES' },
    'New recovery codes were made for your account at The Shop. The former ones no longer work.',
  ],
  // As a later version or an older row may have it.
  [{ change: 'ADDED', factor: 'FACE' }, unknown],
  [{ change: 'ELSE', factor: 'TOTP' }, unknown],
  [{}, unknown],
])('The mail about %j says so, and what to do', (detail, sentence) => {
  const { subject, text, html } = ownText(contents(detail))
  expect(subject).toBe('The ways to sign in to The Shop were changed')
  expect(text.startsWith(`${sentence} If it was you, all is well.\n\nTime: `)).toBe(true)
  expect(html).toContain(`<p>${sentence} If it was you, all is well.</p>`)
  expect(text).toContain('Ask for a new one at The Shop now')
})
