import { expect, it } from '@jest/globals'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'

describeInChromium('The console', () => {
  const { server, open } = useConsole()

  it('shows what there is, to everybody, and lets a person sign in and out by keyboard', async () => {
    const account = await server.signUp()
    const page = await open('/')
    await page.getByRole('heading', { name: 'Auth for GraphQL' }).waitFor()
    expect(await page.getByRole('banner').getByRole('link', { name: 'Admin' }).count()).toBe(0)
    await expectAccessible(page)

    await page.getByRole('link', { name: 'Sign in' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('E-mail address').focus()
    await page.keyboard.type(account.email)
    await page.keyboard.press('Tab')
    await page.keyboard.type(account.password)
    await page.keyboard.press('Enter')
    await page.getByRole('banner').getByText(account.email).waitFor()
    await page.waitForURL(({ hash }) => hash === '#/')
    expect(await page.evaluate(() => document.cookie)).not.toContain('annul_rt_')
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
  })

  it('says why a sign-in was refused, with the code', async () => {
    const page = await open('/sign-in')
    await page.getByLabel('E-mail address').fill('nobody@example.com')
    await page.getByLabel('Password', { exact: true }).fill('a wrong password of words')
    await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
    const alert = page.getByRole('alert')
    await alert.getByText('INVALID_CREDENTIALS').waitFor()
    expect(await alert.innerText()).toContain('The e-mail or the password is wrong.')
    await expectAccessible(page)
  })

  it('is the same page at /graphql, where a browser opens it', async () => {
    const account = await server.signUp()
    const page = await open('/')
    await page.goto(`${server.url}/graphql#/sign-in`)
    await signIn(page, account)
  })
})
