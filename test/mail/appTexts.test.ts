import { afterEach, describe, expect, it } from '@jest/globals'
import { noApp, openApp } from '../../src/app/options.ts'
import { createAuth } from '../../src/auth.ts'
import type { MailContents, MailOptions } from '../../src/index.ts'
import { deliver, mailFiles, makeToken } from '../support/mails.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer | undefined
afterEach(() => server?.close())

const lines: Record<string, unknown>[] = []
async function start(mails: MailOptions): Promise<TestServer> {
  lines.length = 0
  server = await startTestServer({ app: { mails }, onLogLine: line => lines.push(JSON.parse(line)) })
  return server
}
const failures = () =>
  lines.filter(({ level }) => level === 50).map(({ msg, err }) => [msg, Object(err).message])
const failed = 'mails.text failed, and the built-in text is sent.'
const text = { subject: 'Hallo', text: 'Grüße', html: '<p>Grüße</p>' }

describe('an app’s own text', () => {
  it('is sent in place of Annul’s, written from all that is known, in the language of the user', async () => {
    const asked: unknown[] = []
    let seen: MailContents | undefined
    const node = await start({
      language: async user => {
        asked.push(user)
        return 'de'
      },
      text: mail => {
        seen = mail
        return text
      },
    })
    const account = await node.signUp()
    const { userId } = account
    const tokenId = await makeToken(node, 'reset-password', { code: true, userId })
    const detail = { device: 'Firefox on Linux', ipAddress: '192.0.2.1', more: 'x' }
    await deliver(node, { kind: 'reset-password', recipient: account.email, userId, tokenId, detail })
    const [mail] = await mailFiles(node, account.email)
    expect(mail).toMatchObject({ headers: { subject: 'Hallo' }, html: '<p>Grüße</p>\r\n' })
    const code = node.auth.parts.oneTimeTokens.code(tokenId)
    expect(seen).toEqual({
      kind: 'reset-password',
      recipient: account.email,
      userId,
      siteName: 'Annul',
      language: 'de',
      link: expect.stringContaining('/account/reset-password?token=annul_ot_'),
      code: `${code.slice(0, 4)}-${code.slice(4)}`,
      lifeSeconds: 1800,
      expiresAt: expect.any(Date),
      at: expect.any(Date),
      detail,
    })
    expect(asked).toEqual([
      {
        id: userId,
        email: account.email,
        emailVerified: false,
        roles: [],
        scopes: [],
        createdAt: expect.any(Date),
      },
    ])
  })

  it('may be left out for some mails, and there is no language without an account', async () => {
    const languages: unknown[] = []
    const node = await start({
      language: () => 'de',
      text: ({ kind, language }) => {
        languages.push(language)
        return kind === 'address-taken' ? text : undefined
      },
    })
    await deliver(node, { kind: 'address-taken' })
    await deliver(node, { kind: 'account-deleted' })
    const mails = await mailFiles(node)
    expect(mails.map(({ headers }) => headers.subject)).toEqual([
      'Hallo',
      'Your account at Annul was deleted',
    ])
    expect(languages).toEqual([undefined, undefined])
    expect(failures()).toEqual([])
  })

  const shape = 'mails.text must return { subject, text, html }, three texts that are not empty.'
  const subject = 'The subject that mails.text returns must be one line of at most 200 characters.'
  it.each([
    [
      'throws',
      () => {
        throw new Error('no template')
      },
      'no template',
    ],
    ['is rejected', async () => Promise.reject(new Error('no template')), 'no template'],
    ['never answers', () => new Promise(() => {}), 'mails.text did not answer within 5000 ms.'],
    ['answers with null', () => null, shape],
    ['answers with a text', () => 'Hello', shape],
    ['forgets the HTML', () => ({ subject: 'a', text: 'b' }), shape],
    ['has an empty text', () => ({ ...text, text: ' ' }), shape],
    [
      'has another header in the subject',
      () => ({ ...text, subject: 'a\r\nBcc: victim@example.com' }),
      subject,
    ],
    ['has a long subject', () => ({ ...text, subject: 'a'.repeat(201) }), subject],
  ])('that %s is told in the log, and Annul’s own is sent', async (_, own, message) => {
    const node = await start({ text: own as never })
    await deliver(node, { kind: 'password-changed' })
    const mails = await mailFiles(node)
    expect(mails.map(({ headers }) => headers.subject)).toEqual(['Your password for Annul was changed'])
    expect(mails[0]?.raw).not.toContain('victim')
    expect(failures()).toEqual([[failed, message]])
  })

  it('is sent without a language, where the app’s function for it fails', async () => {
    const languages: unknown[] = []
    for (const language of [
      () => {
        throw new Error('no language')
      },
      () => 7,
    ]) {
      const node = await start({
        language: language as never,
        text: mail => {
          languages.push(mail.language)
          return text
        },
      })
      const { userId } = await node.signUp()
      await deliver(node, { kind: 'password-changed', userId })
      const mails = await mailFiles(node)
      expect(mails.map(({ headers }) => headers.subject)).toEqual(['Hallo'])
      expect(failures()).toHaveLength(1)
      await node.close()
    }
    expect(languages).toEqual([undefined, undefined])
  })
})

describe('the option "mails"', () => {
  it.each([
    [{ mails: () => {} }, 'The option "mails" must be a plain object of functions, not function.'],
    [{ mails: null }, 'The option "mails" must be a plain object of functions, not null.'],
    [{ mails: { text: 'Hello' } }, 'The option "mails.text" must be a function, not string.'],
    [{ mails: { language: 'de' } }, 'The option "mails.language" must be a function, not string.'],
    [
      { mails: { texts: () => {} } },
      'The option "mails" has no function "texts". The nearest name is "text".',
    ],
    [{ mail: {} }, 'createAuth has no option "mail". The nearest name is "mails".'],
  ])('is refused before anything is opened: %p', async (options, message) => {
    const secret = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7))
    const opening = createAuth({
      databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
      secret,
      ...options,
    } as never)
    await expect(opening).rejects.toThrow(new TypeError(message))
  })

  it('may be left out, whole or in part', () => {
    const log = { info() {}, warn() {}, error() {} }
    expect(openApp({ mails: { text: undefined } }, log).mails).toEqual({ text: undefined })
    expect(openApp({}, log).mails).toEqual({})
    expect(noApp.mails).toEqual({})
  })
})
