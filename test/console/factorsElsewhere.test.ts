import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'
import { codeOf as codeOfMail, press } from '../support/consoleAccount.ts'
import { expectFitForAll } from '../support/consoleAdmin.ts'
import { ageProofs, focused, freshCode, giveCode, typePassword } from '../support/consoleFactors.ts'
import { run, tokenChanges, write } from '../support/explore.ts'
import { enrollTotp, loginAnswer, signUpWithTotp, wrongCode } from '../support/factors.ts'
import { makeAdmin } from '../support/server.ts'
import { until } from '../support/until.ts'

const newPassword = 'an entirely new password of words'

describeInChromium('Wherever the console wants a second factor', () => {
  const { server, open } = useConsole({
    extension: {
      typeDefs: 'extend type Query { vault: String! @auth(mfa: true) }',
      resolvers: { Query: { vault: () => 'gold' } },
    },
  })

  /** A session that was opened without a factor. */
  const openSignedIn = async (place: string) => {
    const account = await server.signUp()
    const page = await open(place)
    await signIn(page, account)
    return { account, page }
  }
  const proofOf = (page: Page) => page.getByRole('dialog', { name: 'Is it you?' })

  it('a reset of the password changes it together with the factor, and not before', async () => {
    const account = await signUpWithTotp(server)
    const page = await open('/account/forgotten-password')
    await page.getByLabel('E-mail address').fill(account.email)
    await press(page, 'Send the mail')
    const reset = async () => {
      await page
        .getByLabel('Code of the mail')
        .fill(await codeOfMail(server, 'reset-password', account.email))
      await page.getByLabel('New password', { exact: true }).fill(newPassword)
      await press(page, 'Set the password')
      await page.getByText('The password changes as soon as you confirm').waitFor()
    }
    await reset()
    await expectFitForAll(page)
    expect((await loginAnswer(server, account)).errors?.[0]?.extensions.code).toBe('SECOND_FACTOR_REQUIRED')
    for (let tries = 0; tries < 5; tries++) {
      await giveCode(page, wrongCode(account.secret))
      await page.getByText('This code is wrong').waitFor()
      await page.getByLabel('Code of your authenticator app').fill('')
    }
    await giveCode(page, await freshCode(server, account.secret))
    await page.getByText('Please begin again with the code of the mail.').waitFor()
    await expectFitForAll(page)
    await reset()
    await giveCode(page, await freshCode(server, account.secret))
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    expect((await loginAnswer(server, account)).errors?.[0]?.extensions.code).toBe('INVALID_CREDENTIALS')
    const changed = { ...account, password: newPassword }
    expect((await loginAnswer(server, changed)).errors?.[0]?.extensions.code).toBe('SECOND_FACTOR_REQUIRED')
  })

  it('a change of factors asks for the password and then for a factor, and goes on by itself', async () => {
    const { account, page } = await openSignedIn('/account/factors')
    const { secret } = await enrollTotp(server, account.accessToken)
    await ageProofs(server, page, account.email)
    await press(page, 'Add an authenticator app')
    await proofOf(page).getByLabel('Your password').fill(account.password)
    await proofOf(page).getByRole('button', { name: 'Confirm' }).click()
    await proofOf(page).getByText('by a second factor').waitFor()
    await focused(proofOf(page).getByLabel('Code of your authenticator app'))
    await expectFitForAll(page)
    await giveCode(proofOf(page), wrongCode(secret))
    await proofOf(page).getByText('This code is wrong').waitFor()
    await giveCode(proofOf(page), await freshCode(server, secret))
    const dialog = page.getByRole('dialog', { name: 'Add an authenticator app' })
    await dialog.waitFor()
    // Who thinks better of it changes nothing, and is told what was wanted.
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await ageProofs(server, page, account.email)
    await press(page, 'Add an authenticator app')
    await proofOf(page).getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('REAUTHENTICATION_REQUIRED').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it('Explore says so, leads to the factors, and takes a proof by one', async () => {
    const { account, page } = await openSignedIn('/explore')
    const ask = async (fits: (answer: string) => boolean) => {
      await write(page, '{ vault }')
      return run(page, fits)
    }
    const errors = page.getByRole('region', { name: 'The answer’s errors, explained' })
    await ask(answer => answer.includes('REAUTHENTICATION_REQUIRED'))
    expect(await errors.innerText()).toContain('Signed in, a second factor')
    await errors.getByRole('button', { name: 'Confirm with a second factor' }).click()
    await proofOf(page).getByText('Your account has no second factor yet.').waitFor()
    await expectAccessible(page)
    await proofOf(page).getByRole('button', { name: 'Add one' }).click()
    await page.getByText('You have none.').waitFor()

    const { secret } = await enrollTotp(server, account.accessToken)
    await page.goBack()
    await ask(answer => answer.includes('REAUTHENTICATION_REQUIRED'))
    await errors.getByRole('button', { name: 'Confirm with a second factor' }).click()
    await giveCode(proofOf(page), await freshCode(server, secret))
    await proofOf(page).waitFor({ state: 'detached' })
    expect(JSON.parse(await ask(answer => answer.includes('gold')))).toEqual({ data: { vault: 'gold' } })
    await tokenChanges(page).getByText('A second factor was confirmed.').waitFor()
  })

  it('Explore signs in with one, and ends the session whose place the new one takes', async () => {
    const { account, page } = await openSignedIn('/explore')
    const other = await signUpWithTotp(server)
    const panel = page.getByRole('region', { name: 'Session' })
    await panel.getByRole('button', { name: 'Sign in as another user' }).click()
    await panel.getByLabel('E-mail address').fill(other.email)
    await panel.getByLabel('Password', { exact: true }).fill(other.password)
    await panel.getByRole('button', { name: 'Sign in', exact: true }).click()
    await panel.getByText('Your password is right.').waitFor()
    await expectAccessible(page)
    // Nothing has changed yet.
    await panel.getByText(account.email).waitFor()
    await giveCode(panel, await freshCode(server, other.secret))
    await panel.getByText(other.email).waitFor()
    // The one of the account's first tokens is left.
    await until(
      () =>
        server.rows(
          sql`select id from annul.sessions where user_id = ${account.userId} and ended_at is null`,
        ),
      ({ length }) => length === 1,
    )

    await panel.getByRole('button', { name: 'Sign out' }).click()
    await typePassword(page, other)
    await giveCode(panel, await freshCode(server, other.secret))
    await tokenChanges(page).getByText('Signed in by a second factor.').waitFor()
  })

  it('the trial of a revocation opens its session with one', async () => {
    const account = await signUpWithTotp(server)
    await makeAdmin(server, account.email)
    const page = await open('/admin/nodes')
    await typePassword(page, account)
    await giveCode(page, await freshCode(server, account.secret))
    await page.getByRole('button', { name: 'Try it …' }).click()
    const dialog = page.getByRole('dialog', { name: 'See a revocation' })
    for (let times = 0; times < 2; times++) {
      await dialog.getByLabel('Your password').fill(account.password)
      await dialog.getByRole('button', { name: 'Open a session, and end it' }).click()
      await giveCode(dialog, await freshCode(server, account.secret))
      await dialog.getByText('After: the token is refused with SESSION_REVOKED.').waitFor()
    }
    await expectAccessible(page)
  })
})
