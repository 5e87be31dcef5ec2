import { expect, it } from '@jest/globals'
import type { Locator, Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'
import { codeOf, newcomer } from '../support/consoleAccount.ts'
import { until } from '../support/until.ts'

/** Goes on by the key Tab until something has the focus. */
async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await target.waitFor()
  for (let presses = 0; presses < 60; presses++) {
    if (await target.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press(key)
  }
  throw new Error(`The keyboard does not reach ${String(target)}.`)
}

describeInChromium('By the keyboard alone', () => {
  const { server, open } = useConsole()
  const button = (page: Page, name: string) =>
    page.getByRole('main').getByRole('button', { name, exact: true })
  const type = async (page: Page, label: string, text: string) => {
    await tabTo(page, page.getByLabel(label, { exact: true }))
    await page.keyboard.type(text)
  }

  it('a person signs up, verifies the e-mail, changes the password and deletes the account', async () => {
    const account = newcomer()
    const page = await open('/account/sign-up')
    await type(page, 'E-mail address', account.email)
    await type(page, 'Password', account.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your account' }).waitFor()

    await tabTo(page, button(page, 'Send me a mail'))
    await page.keyboard.press('Enter')
    await page.getByText('A mail is on its way.').waitFor()
    await type(page, 'Code of the mail', await codeOf(server, 'verify-email', account.email))
    await page.keyboard.press('Enter')
    await page.getByText('The address is confirmed.').waitFor()

    await type(page, 'Present password', account.password)
    await type(page, 'New password', `${account.password} anew`)
    await page.keyboard.press('Enter')
    await page.getByText('The password is changed.').waitFor()

    const opener = button(page, 'Delete my account …')
    await tabTo(page, opener)
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    // The dialog has the focus, keeps it, and gives it back.
    await dialog.waitFor()
    const typed = dialog.getByLabel('Type your e-mail address')
    expect(await typed.evaluate(element => element === document.activeElement)).toBe(true)
    for (let presses = 0; presses < 8; presses++) {
      await page.keyboard.press('Tab')
      const isOutside = await page.evaluate(() => {
        const { activeElement, body } = document
        return activeElement !== body && activeElement?.closest('dialog') == null
      })
      expect(isOutside).toBe(false)
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await opener.evaluate(element => element === document.activeElement)).toBe(true)

    await page.keyboard.press('Enter')
    await type(page, 'Type your e-mail address', account.email)
    await page.keyboard.press('Enter')
    await page.getByText('This account was deleted.').waitFor()
  })

  it('a person reads the events, ends another session and keeps the place, and signs out everywhere', async () => {
    const account = await server.signUp()
    const page = await open('/account')
    await signIn(page, account)
    await tabTo(page, page.getByRole('link', { name: 'Events' }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'What happened to your account' }).waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await tabTo(page, page.getByRole('link', { name: 'Sessions' }))
    await page.keyboard.press('Enter')
    const end = page
      .getByRole('button', { name: /^Sign out Node/ })
      .or(page.getByRole('listitem').nth(1).getByRole('button', { name: 'Sign out' }))
    await tabTo(page, end.first())
    await page.keyboard.press('Enter')
    await page.getByText('is signed out.').waitFor()
    await until(async () => (await page.evaluate('document.activeElement.innerText')) === 'Signed out')

    await tabTo(page, button(page, 'Sign out everywhere …'), 'Shift+Tab')
    await page.keyboard.press('Enter')
    await tabTo(page, page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }))
    await page.keyboard.press('Enter')
    await page.getByText('You were signed out on all devices.').waitFor()
  })
})
