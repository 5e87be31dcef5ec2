import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'
import { press, region } from '../support/consoleAccount.ts'

/* Scripts that somebody smuggles into what the account room shows. `useConsole` fails a test whose page breaks its policy. */

const smuggled = '<img/src=x/onerror=globalThis.smuggled=1>'

describeInChromium('A script does not run in the account room', () => {
  const { server, open } = useConsole()
  /** The text is shown as it is, and is no element. */
  const expectHarmless = async (page: Page) => {
    expect(await page.locator('#root img').count()).toBe(0)
    expect(await page.evaluate('globalThis.smuggled')).toBeUndefined()
  }

  it('from an e-mail', async () => {
    const account = { email: `${smuggled}${Date.now()}@example.com`, password: 'a password of some words' }
    await server.send('mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }', {
      variables: { input: account },
    })
    const page = await open('/account')
    await signIn(page, account)
    await region(page, 'Delete the account').waitFor()
    await page.getByRole('main').getByText(account.email).waitFor()
    await press(page, 'Delete my account …')
    await page.getByRole('dialog').getByText(`It is ${account.email}`).waitFor()
    await page.keyboard.press('Escape')
    const next = `${smuggled}@example.org`
    await page.getByLabel('New e-mail address').fill(next)
    await press(page, 'Send the mail')
    await page.getByText(`A mail is on its way to ${next}.`).waitFor()
    await expectHarmless(page)
  })

  it('from the device of a session and of its event', async () => {
    const account = await server.signUp()
    // The server calls a browser that it does not know by the words before the last slash.
    const userAgent = '<img src=x onerror=globalThis.smuggled=1>/1 x'
    const { data } = await server.send<{ login: { session: { id: string } } }>(
      'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }',
      {
        variables: { input: { email: account.email, password: account.password } },
        headers: { 'user-agent': userAgent },
      },
    )
    expect(data?.login.session.id).toBeDefined()
    const page = await open('/account/sessions')
    await signIn(page, account)
    await page.getByRole('heading', { name: '<img src=x' }).waitFor()
    await page.getByRole('button', { name: 'Sign out <img src=x' }).click()
    await page.getByText('is signed out.').waitFor()
    await expectHarmless(page)
    await page.goto(`${server.url}/#/account/events`)
    await page.getByRole('heading', { name: 'A session was ended' }).waitFor()
    await expectHarmless(page)
  })

  it('from a reason, a message and a code, should a server ever send such', async () => {
    const account = await server.signUp()
    const page = await open('/account')
    await signIn(page, account)
    await region(page, 'Delete the account').waitFor()
    const answer = {
      errors: [
        {
          message: smuggled,
          extensions: {
            code: `UNAUTHENTICATED${smuggled}`,
            reason: smuggled,
            recover: 'LOGIN',
            id: smuggled,
          },
        },
      ],
    }
    await page.route(
      url => url.pathname === '/graphql',
      route => route.fulfill({ status: 401, json: answer }),
    )
    await page.reload()
    // The session is not known any more: the form to sign in fails, too.
    await page.getByLabel('E-mail address').fill(account.email)
    await page.getByLabel('Password', { exact: true }).fill(account.password)
    await press(page, 'Sign in')
    await page.getByRole('alert').getByText(smuggled).first().waitFor()
    await expectHarmless(page)
  })

  it.each([
    `/account/${smuggled}`,
    '/account/%3Cimg%20src%3Dx%20onerror%3DglobalThis.smuggled%3D1%3E',
    `/${smuggled}`,
    '/%E0%A4%A',
    '/__proto__',
  ])('from the place %s, which shows a page', async place => {
    const page = await open(place)
    await page.getByRole('main').getByRole('heading').first().waitFor()
    await expectHarmless(page)
  })
})
