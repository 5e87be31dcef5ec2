import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'

describeInChromium('The page of second factors in the account room', () => {
  const { server, open } = useConsole()

  const openAccount = async (page: Page) => {
    await page.goto(`${server.url}/#/account/factors`)
    await page.reload()
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    const passkeys = await page.getByRole('button', { name: 'Sign in with a passkey' }).count()
    await signIn(page, await server.signUp())
    await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor()
    const pages = await page.getByRole('navigation', { name: 'Account' }).getByRole('link').allInnerTexts()
    return { passkeys, pages, heading: await page.getByRole('heading', { level: 1 }).innerText() }
  }

  it('is one of four', async () => {
    expect(await openAccount(await open('/'))).toEqual({
      passkeys: 1,
      pages: ['Profile', 'Second factors', 'Sessions', 'Events'],
      heading: 'Passkeys and second factors',
    })
  })

  it('is not there where the schema has no factors, and neither are passkeys', async () => {
    const page = await open('/')
    // What a server says whose schema has none.
    await page.route(`${server.url}/`, async route => {
      const response = await route.fetch()
      const body = await response.text()
      expect(body).toContain('factors&#34;:true')
      await route.fulfill({ response, body: body.replace('factors&#34;:true', 'factors&#34;:false') })
    })
    expect(await openAccount(page)).toEqual({
      passkeys: 0,
      pages: ['Profile', 'Sessions', 'Events'],
      heading: 'Your account',
    })
  })
})
