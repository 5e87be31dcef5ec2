import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'
import { codeOf, describedBy, linkOf, newcomer, press, region } from '../support/consoleAccount.ts'
import { kindsSentTo } from '../support/sentLinks.ts'
import { makeAdmin } from '../support/server.ts'
import { until } from '../support/until.ts'

const newPassword = 'an entirely new password of words'

describeInChromium('In the account room of the console', () => {
  const { server, open } = useConsole()

  const signUp = async (page: Page, { email, password }: { email: string; password: string }) => {
    await page.getByLabel('E-mail address', { exact: true }).fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await press(page, 'Sign up')
  }
  const openSignedIn = async (place = '/account') => {
    const account = await server.signUp()
    const page = await open(place)
    await signIn(page, account)
    return { account, page }
  }
  /** Makes the last proof old, so that a guarded change asks for the password. */
  const ageProofs = async (page: Page, userId: string) => {
    await server.rows(sql`update annul.sessions set auth_time = now() - interval '1 hour'
      where user_id = ${userId}`)
    // With tokens that know it.
    await page.reload()
  }

  it('a person signs up, is signed in, and reads what the account is', async () => {
    const account = newcomer()
    const page = await open('/sign-in')
    await page.getByRole('link', { name: 'Sign up' }).click()
    await signUp(page, account)
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    expect(new URL(page.url()).hash).toBe('#/account')
    await page.getByText('not verified').waitFor()
    await server.login(account)
    // A person with a session is not asked to make one more account.
    await page.goto(`${server.url}/#/account/sign-up`)
    await page.getByText(`signed in already, as ${account.email}`).waitFor()
    expect(await page.getByLabel('Password', { exact: true }).count()).toBe(0)
  })

  it('each reason against a new account stands at its field, which gets the focus', async () => {
    const taken = await server.signUp()
    const page = await open('/account/sign-up')
    await page.getByLabel('Password', { exact: true }).waitFor()
    expect(await describedBy(page, 'Password')).toContain('At least 15 characters.')
    const { email, password } = newcomer()
    const cases = [
      ['Password', { email, password: 'short' }, 'This password is too short.'],
      ['Password', { email, password: 'passwordpasswordpassword' }, 'easy to guess'],
      ['Password', { email, password: email }, 'must not be the e-mail address'],
      ['E-mail address', { email: taken.email, password }, 'This address has an account already.'],
      ['E-mail address', { email: `${'a'.repeat(250)}@example.com`, password }, 'at most 254'],
    ] as const
    for (const [label, input, told] of cases) {
      await signUp(page, input)
      await until(async () => (await describedBy(page, label)).includes(told))
      const field = page.getByLabel(label, { exact: true })
      expect(await field.evaluate(element => element === document.activeElement)).toBe(true)
    }
    // What was typed is still there, and a good one is taken.
    await signUp(page, { email, password })
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
  })

  it('password managers are told what each field is', async () => {
    const { page } = await openSignedIn()
    await page.getByLabel('Present password').waitFor()
    const kindOf = (label: string) => page.getByLabel(label, { exact: true }).getAttribute('autocomplete')
    expect(await kindOf('Present password')).toBe('current-password')
    expect(await kindOf('New password')).toBe('new-password')
    await page.goto(`${server.url}/#/account/forgotten-password/code`)
    await page.getByLabel('Code of the mail').waitFor()
    expect(await kindOf('Code of the mail')).toBe('one-time-code')
    expect(await kindOf('New password')).toBe('new-password')
  })

  it('the e-mail is verified by the code of a mail, and a wrong code is told at the field', async () => {
    const { account, page } = await openSignedIn()
    const section = region(page, 'Verify your e-mail address')
    await section.getByRole('button', { name: 'Send me a mail' }).click()
    await section.getByText('A mail is on its way.').waitFor()
    const code = page.getByLabel('Code of the mail')
    await code.fill('AAAA-AAAA')
    await section.getByRole('button', { name: 'Confirm' }).click()
    await section.getByText('This code is wrong, used or expired').waitFor()
    expect(await describedBy(page, 'Code of the mail')).toContain('This code is wrong')
    await code.fill('no code at all')
    await section.getByRole('button', { name: 'Confirm' }).click()
    await section.getByText('This is no code of a mail').waitFor()

    await code.fill(` ${(await codeOf(server, 'verify-email', account.email)).toLowerCase()} `)
    await section.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('The address is confirmed.').waitFor()
    await page.getByText('verified', { exact: true }).waitFor()
    expect(await section.count()).toBe(0)
  })

  it('an e-mail that was verified by the link in another tab is seen when the page gets the focus', async () => {
    const { account, page } = await openSignedIn()
    await region(page, 'Verify your e-mail address').getByRole('button').click()
    await page.getByText('A mail is on its way.').waitFor()
    const other = await page.context().newPage()
    await other.goto(await linkOf(server, 'verify-email', account.email))
    await other.getByRole('button', { name: 'Confirm' }).click()
    await other.getByText('Your e-mail address is confirmed').waitFor()
    await page.bringToFront()
    await page.evaluate(() => dispatchEvent(new Event('focus')))
    await page.getByText('verified', { exact: true }).waitFor()
  })

  it('a forgotten password is replaced by the code of a mail, which signs in and ends all other sessions', async () => {
    const account = await server.signUp()
    const page = await open('/sign-in')
    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    await page.getByLabel('E-mail address').fill(account.email)
    await press(page, 'Send the mail')
    await page.getByRole('heading', { name: 'Set a new password' }).waitFor()
    // The code outlives a reload, because the browser is the device that asked.
    await page.reload()
    const code = page.getByLabel('Code of the mail')
    await code.fill('AAAA-AAAA')
    await page.getByLabel('New password', { exact: true }).fill(newPassword)
    await press(page, 'Set the password')
    await page.getByText('This code is wrong').waitFor()
    await code.fill(await codeOf(server, 'reset-password', account.email))
    await page.getByLabel('New password', { exact: true }).fill('short')
    await press(page, 'Set the password')
    await page.getByText('This password is too short.').waitFor()
    await page.getByLabel('New password', { exact: true }).fill(newPassword)
    await press(page, 'Set the password')
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    await page.getByText('verified', { exact: true }).waitFor()

    const { reason } = await server.send('{ me { id } }', { token: account.accessToken })
    expect(reason).toBe('PASSWORD_CHANGED')
    await server.login({ ...account, password: newPassword })
  })

  it('whether an address has an account is not told by a forgotten password', async () => {
    const { email } = newcomer()
    const page = await open('/account/forgotten-password')
    await page.getByLabel('E-mail address').fill(email)
    await press(page, 'Send the mail')
    await page.getByText('If there is an account with this address').waitFor()
    expect(await kindsSentTo(server, email)).toEqual([])
  })

  it('a new password keeps this session and ends the others', async () => {
    const { account, page } = await openSignedIn()
    const change = async (current: string, next: string) => {
      await page.getByLabel('Present password').fill(current)
      await page.getByLabel('New password', { exact: true }).fill(next)
      await press(page, 'Change the password')
    }
    await change('not the password of anybody', newPassword)
    await page.getByText('This is not your present password.').waitFor()
    expect(await describedBy(page, 'Present password')).toContain('This is not your present password.')
    await change(account.password, 'short')
    await page.getByText('This password is too short.').waitFor()
    await change(account.password, newPassword)
    await page.getByText('The password is changed.').waitFor()
    expect(await page.getByLabel('Present password').inputValue()).toBe('')
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    expect((await server.send('{ me { id } }', { token: account.accessToken })).reason).toBe(
      'PASSWORD_CHANGED',
    )
    await server.login({ ...account, password: newPassword })
  })

  it('another e-mail wants a recent proof, and counts when the code of its mail is typed', async () => {
    const { account, page } = await openSignedIn()
    const { email } = newcomer()
    await ageProofs(page, account.userId)
    const section = region(page, 'Change the e-mail address')
    await section.getByLabel('New e-mail address').fill(email)
    await section.getByRole('button', { name: 'Send the mail' }).click()
    const dialog = page.getByRole('dialog', { name: 'Is it you?' })
    await dialog.getByLabel('Your password').fill('a wrong password of words')
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await dialog.getByText('INVALID_CREDENTIALS').waitFor()
    await dialog.getByLabel('Your password').fill(account.password)
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await section.getByText(`A mail is on its way to ${email}.`).waitFor()

    await section.getByLabel('Code of the mail').fill(await codeOf(server, 'confirm-new-email', email))
    await section.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Your e-mail address is changed.').waitFor()
    // Also the header knows, which shows what the session says.
    await page.getByRole('banner').getByText(email).waitFor()
    expect(await kindsSentTo(server, account.email)).toContain('email-changed')
  })

  it('the account is deleted after its address was typed and the password confirmed, and the reason is told', async () => {
    const { account, page } = await openSignedIn()
    await ageProofs(page, account.userId)
    await page.getByRole('button', { name: 'Delete my account …' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete your account for good?' })
    await dialog.getByLabel('Type your e-mail address').fill('another@example.com')
    await dialog.getByRole('button', { name: 'Delete my account' }).click()
    // The browser says at the field what is wrong, and nothing was sent.
    expect(
      await dialog
        .getByLabel('Type your e-mail address')
        .evaluate(input => (input as HTMLInputElement).validationMessage),
    ).toBe('This is not the e-mail address of this account.')
    expect(await page.getByRole('dialog').count()).toBe(1)
    await dialog.getByLabel('Type your e-mail address').fill(account.email)
    await dialog.getByRole('button', { name: 'Delete my account' }).click()
    const proof = page.getByRole('dialog', { name: 'Is it you?' })
    await proof.getByLabel('Your password').fill(account.password)
    await proof.getByRole('button', { name: 'Confirm' }).click()

    await page.getByText('This account was deleted.').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    await expect(server.login(account)).rejects.toThrow('INVALID_CREDENTIALS')
  })

  it('a person who does not give the proof keeps the account', async () => {
    const { account, page } = await openSignedIn()
    await ageProofs(page, account.userId)
    await page.getByRole('button', { name: 'Delete my account …' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete your account for good?' })
    await dialog.getByLabel('Type your e-mail address').fill(account.email)
    await page.keyboard.press('Enter')
    await page.getByLabel('Your password').waitFor()
    await page.keyboard.press('Escape')
    await dialog.getByText('REAUTHENTICATION_REQUIRED').waitFor()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await server.login(account)
  })

  it('the last admin is told why the account stays', async () => {
    const account = await server.signUp()
    await makeAdmin(server, account.email)
    const page = await open('/account')
    await signIn(page, account)
    await page.getByRole('button', { name: 'Delete my account …' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete your account for good?' })
    await dialog.getByLabel('Type your e-mail address').fill(account.email)
    await dialog.getByRole('button', { name: 'Delete my account' }).click()
    await dialog.getByText('LAST_ADMIN').waitFor()
    await server.login(account)
  })
})

describeInChromium('In the account room of a server that requires a verified e-mail', () => {
  const { server, open } = useConsole({ env: { ANNUL_REQUIRE_VERIFIED_EMAIL: 'true' } })

  it('a sign-up leads to the mail, and its code opens the account', async () => {
    const account = newcomer()
    const page = await open('/account/sign-up')
    await page.getByLabel('E-mail address').fill(account.email)
    await page.getByLabel('Password', { exact: true }).fill(account.password)
    await press(page, 'Sign up')
    await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
    await expect(server.login(account)).rejects.toThrow('INVALID_CREDENTIALS')
    await page
      .getByLabel('Code of the mail')
      .fill(await codeOf(server, 'confirm-registration', account.email))
    await press(page, 'Confirm')
    await page.getByText('The address is confirmed.').waitFor()
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click()
    await signIn(page, account)

    // A taken address gets the same page, and a mail that tells its owner.
    const other = await open('/account/sign-up')
    await other.getByLabel('E-mail address').fill(account.email)
    await other.getByLabel('Password', { exact: true }).fill(account.password)
    await press(other, 'Sign up')
    await other.getByRole('heading', { name: 'Look into your mail' }).waitFor()
    expect(await kindsSentTo(server, account.email)).toContain('address-taken')
  })
})
