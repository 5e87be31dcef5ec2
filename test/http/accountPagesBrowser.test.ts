import { afterEach, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { BrowserContext, Page } from 'playwright-core'
import { describeInChromium, useBrowser } from '../client/browser/chromium.ts'
import { makeToken } from '../support/oneTimeLinks.ts'
import { useServer } from '../support/server.ts'

/* The pages behind the links in mails, as a person uses them: with JavaScript off, by mouse and by keyboard. */

const newPassword = 'a quite new password of words'

describeInChromium('In Chromium without JavaScript', () => {
  const browser = useBrowser()
  const server = useServer({
    env: { HOST: 'localhost', ANNUL_SITE_NAME: '<img src=x onerror=alert(1)> & Sons' },
  })
  let context: BrowserContext
  const asked: string[] = []
  const complaints: string[] = []
  afterEach(() => context?.close())

  const open = async (
    path: string,
    options: Parameters<typeof browser.newContext>[0] = {},
  ): Promise<Page> => {
    context = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: 360, height: 640 },
      ...options,
    })
    asked.length = 0
    complaints.length = 0
    const page = await context.newPage()
    page.on('request', request => asked.push(request.url()))
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(error.message))
    await page.goto(`${server.url}/account/${path}`)
    return page
  }
  /** Nothing was asked of another server, and no policy was broken. */
  const isQuiet = () => {
    expect(asked.filter(url => !url.startsWith(`${server.url}/`))).toEqual([])
    expect(
      // Advice about password managers, which the page can't follow: it does not know whose the link is.
      complaints.filter(text => !/favicon|400 \(Bad Request\)|username fields/.test(text)),
    ).toEqual([])
  }

  it('a link resets the password, by its form', async () => {
    const account = await server.signUp()
    const token = await makeToken(server, 'reset-password', account)
    const page = await open(`reset-password?token=${token}`)
    expect(await page.title()).toBe('Set a new password – <img src=x onerror=alert(1)> & Sons')
    await page.getByLabel('New password', { exact: true }).fill(newPassword)
    await page.getByLabel('New password again').fill(newPassword)
    await page.getByRole('button').click()
    await page.getByText('All sessions of the account have ended').waitFor()
    // The address that the browser keeps has no token.
    expect(page.url()).toBe(`${server.url}/account/reset-password`)
    expect((await context.cookies()).map(({ name }) => name)).not.toContain('__Host-annul-refresh')
    isQuiet()
    await server.login({ ...account, password: newPassword })

    // Sent once more, as a reload does.
    await page.reload()
    expect(await page.getByRole('alert').count()).toBe(1)
  })

  it('a person without a link asks for a mail, and types its code, by keyboard alone', async () => {
    const account = await server.signUp()
    const page = await open('reset-password')
    await page.getByLabel('E-mail address').focus()
    await page.keyboard.type(account.email)
    await page.keyboard.press('Enter')
    await page.getByText('a mail is on its way').waitFor()
    const [row] = await server.rows<{ id: string }>(sql`
      select id from annul.one_time_tokens where user_id = ${account.userId} and ended_at is null`)
    await page.getByLabel('Code of the mail').focus()
    await page.keyboard.type(server.auth.parts.oneTimeTokens.code(row?.id ?? ''))
    await page.keyboard.press('Tab')
    await page.keyboard.type(newPassword)
    await page.keyboard.press('Tab')
    await page.keyboard.type(newPassword)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Your new password is set').waitFor()
    isQuiet()
    await server.login({ ...account, password: newPassword })
  })

  it('the form complains beside the field, and goes on with the same link', async () => {
    const account = await server.signUp()
    const page = await open(`reset-password?token=${await makeToken(server, 'reset-password', account)}`)
    const fill = async (first: string, second: string) => {
      await page.getByLabel('New password', { exact: true }).fill(first)
      await page.getByLabel('New password again').fill(second)
      await page.getByRole('button').click()
    }
    await fill(newPassword, `${newPassword}.`)
    await page.getByText('The two passwords are not the same.').waitFor()
    const invalid = page.getByLabel('New password again')
    expect(await invalid.getAttribute('aria-describedby')).toBe('repeated-error')
    await fill(newPassword, newPassword)
    await page.getByText('Your new password is set').waitFor()
  })

  it.each([
    ['verify-email', 'Confirm', 'Your e-mail address is confirmed'],
    ['restore-email', 'Take the former address back', 'Your e-mail address is back'],
  ] as const)('the link of %s works by its button', async (path, button, told) => {
    const page = await open(`${path}?token=${await makeToken(server, path, await server.signUp())}`)
    await page.getByRole('button', { name: button }).click()
    await page.getByText(told).waitFor()
    isQuiet()
  })

  it.each(['verify-email', 'reset-password', 'restore-email'])('%s fits 360 pixels', async path => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(path, { colorScheme, javaScriptEnabled: true })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
      const background = await page.evaluate('getComputedStyle(document.documentElement).colorScheme')
      expect(background).toBe('light dark')
      expect(await page.evaluate('matchMedia("(prefers-color-scheme: dark)").matches')).toBe(
        colorScheme === 'dark',
      )
      isQuiet()
      await context.close()
    }
  })

  it('no script runs on a page, should somebody smuggle one in', async () => {
    const page = await open('verify-email?token=%22%3E%3Cscript%3Ewindow.smuggled%3D1%3C/script%3E', {
      javaScriptEnabled: true,
    })
    await page.evaluate(`(() => {
      const script = document.createElement('script')
      script.textContent = 'window.smuggled = 1'
      document.body.append(script)
    })()`)
    expect(await page.evaluate('window.smuggled')).toBeUndefined()
  })

  it('a page of another origin can neither send the form nor frame the page', async () => {
    const token = await makeToken(server, 'verify-email', await server.signUp())
    const page = await open('verify-email')
    // The same machine under another name is another site.
    const elsewhere = server.url.replace('localhost', '127.0.0.1')
    await page.route(`${elsewhere}/**`, route =>
      route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${server.url}/account/verify-email">
          <input name="token" value="${token}"><button>Send</button></form>
          <iframe src="${server.url}/account/verify-email"></iframe>`,
      }),
    )
    await page.goto(`${elsewhere}/`)
    expect(page.frames().map(frame => frame.url())).toContain('chrome-error://chromewebdata/')
    await page.getByRole('button').click()
    await page.getByText('This form was sent by another page').waitFor()
    const [row] = await server.rows<{ used: boolean }>(sql`
      select ended_at is not null as used from annul.one_time_tokens
      where id = ${server.auth.parts.oneTimeTokens.read(token) ?? ''}`)
    expect(row?.used).toBe(false)
  })
})
