import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'
import { press } from '../support/consoleAccount.ts'
import {
  addAuthenticator,
  ageProofs,
  codesIn,
  freshCode,
  giveCode,
  keepCodes,
  proofsOf,
  signedIn,
  signOut,
  typePassword,
} from '../support/consoleFactors.ts'
import { signUpWithTotp } from '../support/factors.ts'
import { until } from '../support/until.ts'

const byPasskey = ['hwk', 'user', 'mfa']

/** By a virtual authenticator of Chromium's: its keys and signatures are real. */
describeInChromium('A passkey, in the console,', () => {
  const { server, open } = useConsole()

  const addPasskey = async (page: Page, name: string) => {
    await press(page, 'Add a passkey')
    const dialog = page.getByRole('dialog', { name: 'Add a passkey' })
    await dialog.getByLabel('Name', { exact: true }).fill(name)
    await dialog.getByRole('button', { name: 'Add the passkey' }).click()
  }
  /**
   * An account with a passkey, whose authenticator answers no question by itself from then on.
   *
   * @param isOffered whether the browser offers passkeys in the field of the e-mail address
   */
  const openWithPasskey = async ({ isOffered = false } = {}) => {
    const account = await server.signUp()
    const page = await open('/account/factors')
    if (!isOffered) {
      await page.addInitScript(() => {
        PublicKeyCredential.isConditionalMediationAvailable = async () => false
      })
      await page.reload()
    }
    const authenticator = await addAuthenticator(page)
    await signIn(page, account)
    await addPasskey(page, 'Laptop')
    await codesIn(page.getByRole('dialog', { name: 'Your recovery codes' }))
    await keepCodes(page)
    await authenticator.answers(false)
    return { account, page, authenticator }
  }

  it('is added with a name, and signs in by the button alone', async () => {
    const { account, page, authenticator } = await openWithPasskey()
    expect(await authenticator.count()).toBe(1)
    const card = page.getByRole('listitem', { name: 'Laptop' })
    expect(await card.innerText()).toContain('Passkey')
    await signOut(page)
    await page.getByLabel('E-mail address').waitFor()
    await authenticator.answers(true)
    await press(page, 'Sign in with a passkey')
    await signedIn(page)
    await page.getByRole('banner').getByText(account.email).waitFor()
    expect(await proofsOf(server, account.email)).toEqual(byPasskey)
  })

  it('is offered where the e-mail address is typed, and signs in when it is chosen', async () => {
    const { account, page, authenticator } = await openWithPasskey({ isOffered: true })
    await signOut(page)
    expect(await page.getByLabel('E-mail address').getAttribute('autocomplete')).toBe('username webauthn')
    // The form is there, and nothing is asked of the person, until the passkey is chosen.
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    expect(await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).count()).toBe(0)
    await authenticator.answers(true)
    await page.reload()
    await signedIn(page)
    expect(await proofsOf(server, account.email)).toEqual(byPasskey)
  })

  it('is offered again after a question that has failed', async () => {
    const { page, authenticator } = await openWithPasskey({ isOffered: true })
    // The first offer and the button get no challenge.
    let refusals = 2
    await page.route('**/graphql', route => {
      if (!route.request().postData()?.includes('beginPasskeyLogin') || refusals === 0)
        return route.continue()
      refusals--
      return route.fulfill({
        json: { errors: [{ message: 'Not now.', extensions: { code: 'BAD_USER_INPUT' } }] },
      })
    })
    await authenticator.answers(true)
    await signOut(page)
    await until(() => Promise.resolve(refusals === 1))
    await press(page, 'Sign in with a passkey')
    await until(() => Promise.resolve(refusals === 0))
    await signedIn(page)
  })

  it('is a second factor after the password', async () => {
    const { account, page, authenticator } = await openWithPasskey()
    await signOut(page)
    await typePassword(page, account)
    await page.getByText('Your password is right.').waitFor()
    await authenticator.answers(true)
    await press(page, 'Use the passkey')
    await signedIn(page)
    expect(await proofsOf(server, account.email)).toEqual(['pwd', ...byPasskey])
  })

  it('is a proof where one is wanted', async () => {
    const { account, page, authenticator } = await openWithPasskey()
    await authenticator.answers(true)
    await ageProofs(server, page, account.email)
    await press(page, 'Add an authenticator app')
    const proof = page.getByRole('dialog', { name: 'Is it you?' })
    await proof.getByRole('button', { name: 'Use a second factor instead' }).click()
    await proof.getByRole('button', { name: 'Use the passkey' }).click()
    // One proof serves both: it is recent, and by a factor.
    await page.getByRole('dialog', { name: 'Add an authenticator app' }).waitFor()
    expect(await proof.count()).toBe(0)
  })

  it('that does not know its user signs nobody in, and the page says so', async () => {
    const { page, authenticator } = await openWithPasskey()
    await signOut(page)
    await authenticator.verifies(false)
    await authenticator.answers(true)
    await press(page, 'Sign in with a passkey')
    await page.getByText('No passkey was used').waitFor()
    expect(await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).count()).toBe(0)
    // Then it does.
    await authenticator.verifies(true)
    await press(page, 'Sign in with a passkey')
    await signedIn(page)
  })

  it('is not made twice in one device, and a second one takes a proof by the first', async () => {
    const { page, authenticator } = await openWithPasskey()
    await authenticator.answers(true)
    await addPasskey(page, 'Laptop again')
    const proof = page.getByRole('dialog', { name: 'Is it you?' })
    await proof.getByText('by a second factor').waitFor()
    await proof.getByRole('button', { name: 'Use the passkey' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a passkey' })
    await dialog.getByText('already has a passkey of this account').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(await authenticator.count()).toBe(1)
    expect(await page.getByRole('listitem', { name: 'Laptop' }).count()).toBe(1)
  })

  it('is added to an account that has an authenticator app', async () => {
    const account = await signUpWithTotp(server)
    const page = await open('/account/factors')
    await addAuthenticator(page)
    await typePassword(page, account)
    await giveCode(page, await freshCode(server, account.secret))
    await signedIn(page)
    await addPasskey(page, 'Laptop')
    await page.getByRole('listitem', { name: 'Laptop' }).waitFor()
    // No new recovery codes: the account has some.
    expect(await page.getByRole('dialog').count()).toBe(0)
  })
})

describeInChromium('A browser without passkeys', () => {
  const { server, open } = useConsole()

  it('is offered none, and signs in by a code', async () => {
    const account = await signUpWithTotp(server)
    const page = await open('/')
    await page.addInitScript(() => {
      Object.defineProperty(globalThis, 'PublicKeyCredential', { value: undefined })
    })
    await page.goto(`${server.url}/#/account/factors`)
    await page.reload()
    await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Sign in with a passkey' }).count()).toBe(0)
    await typePassword(page, account)
    await giveCode(page, await freshCode(server, account.secret))
    await signedIn(page)
    await page.getByRole('button', { name: 'Add an authenticator app' }).waitFor()
    expect(await page.getByRole('button', { name: 'Add a passkey' }).count()).toBe(0)
  })
})
