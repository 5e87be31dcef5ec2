import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'
import { press, region } from '../support/consoleAccount.ts'

describeInChromium('Every view and dialog of the account room', () => {
  const { server, open } = useConsole()
  const views = async (page: Page, look: (view: string) => Promise<void>) => {
    const account = await server.signUp()
    const goTo = (place: string) => page.goto(`${server.url}/#/account${place}`)
    await goTo('/sign-up')
    await page.getByLabel('E-mail address').fill('no address')
    await page.getByLabel('Password', { exact: true }).fill('short')
    await press(page, 'Sign up')
    await page.getByRole('alert').waitFor()
    await look('sign up')
    await goTo('/verify-email')
    await page.getByLabel('Code of the mail').fill('AAAA-AAAA')
    await press(page, 'Confirm')
    await page.getByRole('alert').waitFor()
    await look('verify')
    await goTo('/forgotten-password')
    await page.getByRole('heading', { name: 'Forgotten password' }).waitFor()
    await look('forgotten password')
    await goTo('/forgotten-password/code')
    await page.getByRole('heading', { name: 'Set a new password' }).waitFor()
    await look('new password')

    await goTo('')
    await signIn(page, account)
    await press(page, 'Send me a mail')
    await region(page, 'Verify your e-mail address').getByLabel('Code of the mail').waitFor()
    await page.getByLabel('Present password').fill('not the present password')
    await page.getByLabel('New password', { exact: true }).fill('an entirely new password of words')
    await press(page, 'Change the password')
    await page.getByRole('alert').waitFor()
    await page.getByLabel('New e-mail address').fill(`${'long'.repeat(15)}@${'long'.repeat(15)}.example.com`)
    await press(page, 'Send the mail')
    await region(page, 'Change the e-mail address').getByLabel('Code of the mail').waitFor()
    await look('profile')
    await press(page, 'Delete my account …')
    await page.getByRole('dialog').waitFor()
    await look('delete')
    await page.keyboard.press('Escape')

    await server.send('mutation ($input: LoginInput!) { login(input: $input) { expiresIn } }', {
      variables: { input: { email: account.email, password: account.password } },
      headers: { 'user-agent': `${'Longest'.repeat(30)}/1 x` },
    })
    await goTo('/sessions')
    await page.getByRole('listitem').nth(2).waitFor()
    await page.getByRole('listitem').nth(1).getByRole('button').click()
    await page.getByText('Ended', { exact: true }).waitFor()
    await look('sessions')
    await press(page, 'Sign out everywhere …')
    await look('sign out everywhere')
    await page.keyboard.press('Escape')
    await goTo('/events')
    await page.getByRole('heading', { name: 'A session was ended' }).waitFor()
    await look('events')
    await goTo('/sessions')
    await press(page, 'Sign out everywhere …')
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.getByText('You were signed out on all devices.').waitFor()
    await look('signed out, with the reason')
  }

  it.each(['light', 'dark'] as const)(
    'has no violation that axe sees, and fits 360 pixels, in %s',
    async colorScheme => {
      const page = await open('/', { colorScheme, viewport: { width: 360, height: 740 } })
      const seen: Record<string, number> = {}
      await views(page, async view => {
        await expectAccessible(page)
        seen[view] = Number(await page.evaluate('document.documentElement.scrollWidth'))
      })
      expect(Object.entries(seen).filter(([, width]) => width !== 360)).toEqual([])
      expect(Object.keys(seen)).toHaveLength(10)
    },
    120_000,
  )

  it('has no violation on a wide screen', async () => {
    const page = await open('/')
    await views(page, async () => void (await expectAccessible(page)))
  }, 120_000)
})
