import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { BrowserContext, Page } from 'playwright-core'
import { describeInChromium, useBrowser } from '../client/browser/chromium.ts'
import { must } from '../support/answers.ts'
import type { Account } from '../support/client.ts'
import {
  challengeOf,
  codeOf,
  completeLogin,
  loginAnswer,
  signUpWithTotp,
  type TotpAccount,
  wrongCode,
} from '../support/factors.ts'
import { makeToken } from '../support/oneTimeLinks.ts'
import { useServer } from '../support/server.ts'

/* The second step of the page that sets a new password, for accounts with a second factor. */

const lines: string[] = []
const server = useServer({ env: { HOST: 'localhost' }, onLogLine: line => lines.push(line) })
const newPassword = 'a quite new password of words'

const post = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
  const response = await fetch(`${server.url}/account/reset-password`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
    redirect: 'manual',
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** The page after the form with the new password. */
async function confirming(account: Account) {
  const token = await makeToken(server, 'reset-password', account)
  const page = await post({ token, newPassword, repeated: newPassword })
  const challenge = page.text.match(/name="challenge" value="([\w-]{43})"/)?.[1] ?? ''
  return { ...page, token, challenge }
}
/** The account has a passkey instead of the app. */
const onlyPasskey = ({ userId }: Account) =>
  server.rows(sql`
    update annul.factors set kind = 'PASSKEY', credential_id = ${randomUUID()}
    where user_id = ${userId} and kind = 'TOTP'`)
const hasNewPassword = async (account: Account) =>
  (await loginAnswer(server, { ...account, password: newPassword })).code !== 'INVALID_CREDENTIALS'

describe('the page for the code', () => {
  it('has the headers of the other pages, the challenge out of sight, and neither link nor password', async () => {
    const account = await signUpWithTotp(server)
    const first = await fetch(`${server.url}/account/reset-password`)
    const { status, headers, text, token, challenge } = await confirming(account)
    expect(status).toBe(200)
    for (const name of [
      'content-security-policy',
      'referrer-policy',
      'cache-control',
      'x-frame-options',
      'cross-origin-opener-policy',
      'x-robots-tag',
    ])
      expect([name, headers.get(name)]).toEqual([name, first.headers.get(name)])
    expect(headers.get('location')).toBeNull()
    expect(headers.getSetCookie().join()).not.toContain('refresh')
    expect(text).not.toMatch(/<script|<link|<img|<iframe|javascript:|\son\w+=|https?:\/\//i)
    expect(text).toContain('action="reset-password"')
    expect(text).toMatch(/<input id="code" name="code" type="text" autocomplete="one-time-code"/)
    expect(text).toContain('authenticator app shows now, or one of your recovery codes')
    expect(challenge).not.toBe('')
    for (const secret of [token, newPassword]) expect(text).not.toContain(secret)
    expect(await hasNewPassword(account)).toBe(false)
  })

  it.each([
    ['of the app', ({ secret }: TotpAccount) => codeOf(secret)],
    ['of the app, with a space', ({ secret }: TotpAccount) => codeOf(secret).replace(/^.../, '$& ')],
    ['for recovery', ({ recoveryCodes: [code = ''] }: TotpAccount) => code],
    ['for recovery, in small letters', ({ recoveryCodes: [code = ''] }: TotpAccount) => code.toLowerCase()],
  ])('takes a code %s, sets the password, ends every session, and opens none', async (_, typed) => {
    const account = await signUpWithTotp(server)
    const { token, challenge } = await confirming(account)
    const { status, text, headers } = await post({ challenge, code: typed(account) })
    expect({ status, isDone: text.includes('Your new password is set') }).toEqual({
      status: 200,
      isDone: true,
    })
    expect(headers.getSetCookie().join()).not.toContain('refresh')
    expect(await hasNewPassword(account)).toBe(true)
    const me = await server.send('{ me { id } }', { token: account.tokens.accessToken })
    expect(me.reason).toBe('PASSWORD_CHANGED')
    const live = await server.rows(sql`
      select s.id from annul.sessions s join annul.users u on u.id = s.user_id
      where u.id = ${account.userId} and s.session_version = u.session_version`)
    expect(live).toEqual([])
    // Neither the form nor the link works once more.
    expect((await post({ challenge, code: codeOf(account.secret, 1) })).status).toBe(400)
    expect((await post({ token, newPassword, repeated: newPassword })).status).toBe(400)
  })

  it('complains beside the field, counts the tries, and is dead after the fifth', async () => {
    const account = await signUpWithTotp(server)
    const { token, challenge } = await confirming(account)
    const code = wrongCode(account.secret)
    for (const left of ['4 tries are left.', '3 tries are left.', '2 tries are left.', 'One try is left.']) {
      const { status, text } = await post({ challenge, code })
      expect(status).toBe(400)
      expect(text).toContain(
        `role="alert" id="code-error">This code is not valid, or was used already. ${left}</p>`,
      )
      expect(text).toContain('aria-invalid="true"')
      expect(text).toContain(`value="${challenge}"`)
      expect(text).not.toContain(`"${code}"`)
    }
    const empty = await post({ challenge, code: ' ' })
    expect(empty.text).toContain('id="code-error">Please fill in this field. One try is left.')
    for (const typed of [code, codeOf(account.secret)]) {
      const { status, text } = await post({ challenge, code: typed })
      expect(status).toBe(400)
      expect(text).toContain('<h1>Open the link of the mail again</h1>')
      expect(text).not.toContain('<form')
    }
    expect(await hasNewPassword(account)).toBe(false)

    // The link begins anew.
    const again = await post({ token, newPassword, repeated: newPassword })
    const second = again.text.match(/name="challenge" value="([\w-]{43})"/)?.[1] ?? ''
    expect((await post({ challenge: second, code: codeOf(account.secret) })).status).toBe(200)
  })

  it.each([
    ['that never was', async () => 'A'.repeat(43)],
    ['with HTML in it', async () => '"><script>alert(1)</script>'],
    ['of a login', (account: TotpAccount) => challengeOf(server, account)],
    [
      'whose link was used meanwhile',
      async (account: TotpAccount) => {
        const { challenge } = await confirming(account)
        await server.rows(
          sql`update annul.one_time_tokens set ended_at = now() where user_id = ${account.userId}`,
        )
        return challenge
      },
    ],
  ])('says to open the link again, for a challenge %s', async (_, make) => {
    const account = await signUpWithTotp(server)
    const challenge = await make(account)
    const { status, text } = await post({ challenge, code: codeOf(account.secret) })
    expect(status).toBe(400)
    expect(text).toContain('Open the link of the mail again')
    expect(text).not.toContain(challenge)
    expect(await hasNewPassword(account)).toBe(false)
    // The code was not used up.
    const login = await challengeOf(server, account)
    must(await completeLogin(server, login, { totp: codeOf(account.secret) }))
  })

  it('tells an account with a passkey alone to use a recovery code here, or the app’s own page', async () => {
    const account = await signUpWithTotp(server)
    await onlyPasskey(account)
    const { text, challenge } = await confirming(account)
    expect(text).toContain('This page can’t ask for your passkey.')
    expect(text).toContain('One of the recovery codes')
    expect(text).not.toContain('authenticator app')
    const [code = ''] = account.recoveryCodes
    expect((await post({ challenge, code })).text).toContain('Your new password is set')

    await server.rows(sql`
      update annul.recovery_codes set used_at = now()
      where factor_id in (select id from annul.factors where user_id = ${account.userId})`)
    const none = await confirming(account)
    expect(none.text).toContain('This page can’t ask for your passkey.')
    expect(none.text).not.toContain('<form')
  })

  it('refuses the form of another page, and answers no code there', async () => {
    const account = await signUpWithTotp(server)
    const { challenge } = await confirming(account)
    const code = codeOf(account.secret)
    const foreign = await post({ challenge, code }, { origin: 'https://evil.example' })
    expect(foreign.status).toBe(403)
    expect(await hasNewPassword(account)).toBe(false)
    expect((await post({ challenge, code })).status).toBe(200)
  })

  it('leaves neither codes nor challenges in the log', async () => {
    const account = await signUpWithTotp(server)
    const { challenge } = await confirming(account)
    const [code = ''] = account.recoveryCodes
    await post({ challenge, code: `${code}X` })
    await post({ challenge, code })
    const log = lines.join('')
    for (const secret of [challenge, code]) expect(log).not.toContain(secret)
  })
})

describeInChromium('In Chromium without JavaScript', () => {
  const browser = useBrowser()
  let context: BrowserContext
  const asked: string[] = []
  const complaints: string[] = []
  afterEach(() => context?.close())

  const open = async (account: Account, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> => {
    const token = await makeToken(server, 'reset-password', account)
    context = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: 360, height: 640 },
      colorScheme,
    })
    asked.length = 0
    complaints.length = 0
    const page = await context.newPage()
    page.on('request', request => asked.push(request.url()))
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(error.message))
    await page.goto(`${server.url}/account/reset-password?token=${token}`)
    await page.getByLabel('New password', { exact: true }).fill(newPassword)
    await page.getByLabel('New password again').fill(newPassword)
    await page.getByRole('button').click()
    await page.getByText('Your account wants a second factor.').waitFor()
    return page
  }

  it('a person confirms with the app, after a slip, by keyboard alone', async () => {
    const account = await signUpWithTotp(server)
    const page = await open(account)
    expect(page.url()).toBe(`${server.url}/account/reset-password`)
    const field = page.getByLabel('Code')
    await field.focus()
    await page.keyboard.type(wrongCode(account.secret))
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').innerText()).toContain('4 tries are left.')
    expect(await field.getAttribute('aria-describedby')).toBe('code-hint code-error')
    await field.focus()
    await page.keyboard.type(codeOf(account.secret))
    await page.keyboard.press('Enter')
    await page.getByText('Your new password is set').waitFor()
    expect(page.url()).toBe(`${server.url}/account/reset-password`)
    expect((await context.cookies()).map(({ name }) => name)).not.toContain('__Host-annul-refresh')
    expect(asked.filter(url => !url.startsWith(`${server.url}/`))).toEqual([])
    expect(complaints.filter(text => !/favicon|400 \(Bad Request\)|username fields/.test(text))).toEqual([])
    expect(await hasNewPassword(account)).toBe(true)

    // Sent once more, as a reload does.
    await page.reload()
    await page.getByText('Open the link of the mail again').waitFor()
  })

  it('a person with a passkey alone confirms with a recovery code', async () => {
    const account = await signUpWithTotp(server)
    await onlyPasskey(account)
    const page = await open(account, 'dark')
    await page.getByText('This page can’t ask for your passkey.').waitFor()
    await page.getByLabel('Code').fill(account.recoveryCodes[0] ?? '')
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByText('Your new password is set').waitFor()
    expect(await hasNewPassword(account)).toBe(true)
  })
})
