import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { must } from '../support/answers.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'
import { press } from '../support/consoleAccount.ts'
import { makeAdmin } from '../support/server.ts'
import { until } from '../support/until.ts'

/** Within so many milliseconds a window knows what happened in another one. */
const seconds = 10_000

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

describeInChromium('Of two windows of the console', () => {
  const { server, open } = useConsole()

  /** Two browser profiles of one user: Chrome, and one that says it is Firefox. */
  const twoDevices = async (place = '/account/sessions') => {
    const account = await server.signUp()
    // The session of the account's first tokens is no window's.
    await server.send('mutation { logout }', { token: account.accessToken })
    const one = await open(place)
    await signIn(one, account)
    const other = await open(place, { userAgent: firefox })
    await signIn(other, account)
    return { account, one, other }
  }
  const card = (page: Page, device: string) => page.getByRole('listitem', { name: device })
  const expectSignedOut = async (page: Page, words: string, reason: string) => {
    const alert = page.getByRole('alert')
    await alert.getByText(words).waitFor({ timeout: seconds })
    expect(await alert.innerText()).toContain(reason)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).count()).toBe(0)
  }

  it('one sees the session of the other appear, and ends it, which the other tells with its reason', async () => {
    const { one, other } = await twoDevices()
    await card(one, 'Firefox on Linux').waitFor({ timeout: seconds })
    await card(one, 'Chrome on Linux').getByText('This session').waitFor()
    await card(other, 'Firefox on Linux').getByText('This session').waitFor()
    expect(await card(one, 'Firefox on Linux').getByText('127.0.0.1').count()).toBe(1)
    await one.getByRole('button', { name: 'Sign out Firefox on Linux' }).click()
    await expectSignedOut(other, 'This device was signed out from the list of sessions.', 'SESSION_REVOKED')
    await expectAccessible(other)
    await card(one, 'Firefox on Linux').getByText('Ended', { exact: true }).waitFor()
    await one.getByText('Firefox on Linux is signed out.').waitFor()
    await expectAccessible(one)

    // The present card signs out here, and says nothing more.
    await press(one, 'Sign out here')
    await one.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await one.getByRole('alert').count()).toBe(0)
  })

  it('a card ends live when the other window signs out, and says why', async () => {
    const { one, other } = await twoDevices()
    await card(one, 'Firefox on Linux').waitFor({ timeout: seconds })
    await other.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
    await card(one, 'Firefox on Linux').getByText('signed out there').waitFor({ timeout: seconds })
    // The keyboard stays where it is: the button is there, and does nothing.
    const button = card(one, 'Firefox on Linux').getByRole('button', { name: 'Signed out' })
    expect(await button.getAttribute('aria-disabled')).toBe('true')
    expect(await card(one, 'Chrome on Linux').getByText('This session').count()).toBe(1)
  })

  it('"everywhere else" ends the other window and leaves this one', async () => {
    const { one, other } = await twoDevices()
    await card(one, 'Firefox on Linux').waitFor({ timeout: seconds })
    await press(one, 'Sign out everywhere else')
    await one.getByText('You are signed out everywhere else.').waitFor()
    await expectSignedOut(other, 'You were signed out on all devices.', 'SESSIONS_REVOKED')
    await one.getByText('You are signed in nowhere else.').waitFor()
    await one.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor()
  })

  it('"everywhere" asks first, and ends both, with the reason in both', async () => {
    const { one, other } = await twoDevices()
    await press(one, 'Sign out everywhere …')
    const dialog = one.getByRole('dialog', { name: 'Sign out everywhere?' })
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(await one.getByRole('dialog').count()).toBe(0)
    await press(one, 'Sign out everywhere …')
    await expectAccessible(one)
    await dialog.getByRole('button', { name: 'Sign out everywhere' }).click()
    await expectSignedOut(one, 'You were signed out on all devices.', 'SESSIONS_REVOKED')
    await expectSignedOut(other, 'You were signed out on all devices.', 'SESSIONS_REVOKED')
  })

  it('a changed password ends the other one, whichever page it shows', async () => {
    const { account, one, other } = await twoDevices('/account')
    await other.goto(`${server.url}/#/`)
    await other.getByRole('heading', { name: 'Auth for GraphQL' }).waitFor()
    await one.getByLabel('Present password').fill(account.password)
    await one.getByLabel('New password', { exact: true }).fill('an entirely new password of words')
    await press(one, 'Change the password')
    await one.getByText('The password is changed.').waitFor()
    await other.getByText('Your password was changed.').waitFor({ timeout: seconds })
    await other.getByRole('link', { name: 'Sign in' }).waitFor()
    expect(await one.getByRole('alert').count()).toBe(0)
  })

  it('both tell that an admin has blocked the account, and neither tells the admin’s words', async () => {
    const { account, one, other } = await twoDevices()
    const admin = await server.signUp()
    await makeAdmin(server, admin.email)
    const { accessToken } = await server.login(admin)
    await server.send(
      'mutation ($id: ID!) { blockUser(id: $id, reason: "a <b>secret</b> suspicion") { id } }',
      {
        variables: { id: account.userId },
        token: accessToken,
      },
    )
    for (const page of [one, other]) {
      await expectSignedOut(page, 'This account is blocked.', 'USER_BLOCKED')
      expect(await page.content()).not.toContain('suspicion')
    }
  })

  it('in one profile, both tabs die with the reason, and both are there again after one sign-in', async () => {
    const { account, one, other } = await twoDevices()
    const tab = await one.context().newPage()
    await tab.goto(`${server.url}/#/account`)
    await tab.getByRole('heading', { name: 'Your account' }).waitFor()
    await other.getByRole('button', { name: 'Sign out Chrome on Linux' }).click()
    for (const page of [one, tab])
      await expectSignedOut(page, 'This device was signed out from the list of sessions.', 'SESSION_REVOKED')
    await signIn(one, account)
    await tab.getByRole('heading', { name: 'Your account' }).waitFor({ timeout: seconds })
  })

  it('in one profile, a tab that is signed out takes the other one along, without a complaint', async () => {
    const { one } = await twoDevices()
    const tab = await one.context().newPage()
    await tab.goto(`${server.url}/#/account/sessions`)
    await card(tab, 'Chrome on Linux').waitFor()
    await one.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
    await tab.getByRole('heading', { name: 'Sign in' }).waitFor({ timeout: seconds })
    expect(await tab.getByRole('alert').count()).toBe(0)
  })

  it('a question for the password goes away with the session that it is about', async () => {
    const { account, one, other } = await twoDevices('/account')
    await server.rows(sql`update annul.sessions set auth_time = now() - interval '1 hour'
      where user_id = ${account.userId}`)
    await one.reload()
    await one.getByLabel('New e-mail address').fill('new@example.com')
    await press(one, 'Send the mail')
    await one.getByRole('dialog', { name: 'Is it you?' }).waitFor()
    await other.goto(`${server.url}/#/account/sessions`)
    await other.getByRole('button', { name: 'Sign out Chrome on Linux' }).click()
    await expectSignedOut(one, 'This device was signed out', 'SESSION_REVOKED')
    expect(await one.getByRole('dialog').count()).toBe(0)
  })
})

describeInChromium('With access tokens that live for seconds', () => {
  const { server, open } = useConsole({ config: { accessTokenSeconds: 3 } })

  it('the list stays live, and the reason is still told', async () => {
    const account = await server.signUp()
    const page = await open('/account/sessions')
    await signIn(page, account)
    await page.getByRole('listitem').first().waitFor()
    // Longer than a token lives: the socket was closed at its end, and is open again with the next token.
    await page.waitForTimeout(5000)
    expect(await page.getByRole('alert').count()).toBe(0)
    const items = page.getByRole('listitem')
    const ended = page.getByText('ended from the list of sessions')
    let { refreshToken } = await server.login(account)
    await items.nth(2).waitFor({ timeout: seconds })
    let isTold = false
    // An event between two sockets is missed: then the list is read anew, without the session.
    for (let tries = 0; tries < 5 && !isTold; tries++) {
      const { session } = await server.login(account)
      await items.nth(3).waitFor({ timeout: seconds })
      const refreshed = must(await server.refresh(refreshToken)).refresh
      refreshToken = refreshed.refreshToken
      await server.send('mutation ($id: ID!) { revokeSession(id: $id) }', {
        variables: { id: session.id },
        token: refreshed.accessToken,
      })
      await until(async () => (await ended.count()) > 0 || (await items.count()) === 3)
      isTold = (await ended.count()) > 0
    }
    expect(isTold).toBe(true)
    await server.send('mutation { revokeSessions }', { token: (await server.login(account)).accessToken })
    await page.getByText('You were signed out on all devices.').waitFor({ timeout: seconds })
  })
})
