import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'
import { describedBy, newcomer, press } from '../support/consoleAccount.ts'
import { expectFitForAll, tabTo } from '../support/consoleAdmin.ts'
import {
  addTotp,
  codesIn,
  focused,
  freshCode,
  giveCode,
  keepCodes,
  secretOf,
  signedIn,
  typePassword,
} from '../support/consoleFactors.ts'
import { codeOf, signUpWithTotp } from '../support/factors.ts'
import { until } from '../support/until.ts'

describeInChromium('One’s own factors, in the console,', () => {
  const { server, open } = useConsole()

  /** A page whose session was opened by the password and the app. */
  const openFactors = async () => {
    const account = await signUpWithTotp(server)
    const page = await open('/account/factors')
    await typePassword(page, account)
    await giveCode(page, await freshCode(server, account.secret))
    await signedIn(page)
    return { account, page }
  }
  const card = (page: Page, name: string) => page.getByRole('listitem', { name, exact: true })
  const proofOf = (page: Page) => page.getByRole('dialog', { name: 'Is it you?' })

  it('get names, a second app with its own, and are renamed', async () => {
    const { account, page } = await openFactors()
    await press(page, 'Rename Authenticator app')
    const dialog = page.getByRole('dialog', { name: 'Rename Authenticator app' })
    await focused(dialog.getByLabel('Name', { exact: true }))
    await page.keyboard.type('  Old phone ')
    await page.keyboard.press('Enter')
    await page.getByText('It is called Old phone now.').waitFor()
    expect(await card(page, 'Old phone').innerText()).toContain('Authenticator app')

    await press(page, 'Add an authenticator app')
    const adding = page.getByRole('dialog', { name: 'Add an authenticator app' })
    const secret = await secretOf(adding)
    await adding.getByLabel('The code that the app shows now').fill(codeOf(secret))
    await adding.getByLabel('Name', { exact: true }).fill('New phone')
    await adding.getByRole('button', { name: 'Add the app' }).click()
    await card(page, 'New phone').waitFor()
    // Recovery codes come with the first factor alone.
    expect(await page.getByRole('dialog').count()).toBe(0)
    const names = await server.rows(sql`select name from annul.factors
      where user_id = ${account.userId} and kind = 'TOTP' order by created_at`)
    expect(names).toEqual([{ name: 'Old phone' }, { name: 'New phone' }])
    await expectFitForAll(page)
  })

  it('are removed after a word about what ends, and other sessions that they opened end', async () => {
    const { account, page } = await openFactors()
    const other = await open('/account/factors')
    await typePassword(other, account)
    await giveCode(other, await freshCode(server, account.secret))
    await signedIn(other)

    const opener = page.getByRole('button', { name: 'Remove Authenticator app' })
    await opener.click()
    const dialog = page.getByRole('dialog', { name: 'Remove Authenticator app?' })
    await dialog.getByText('Your other sessions that were opened with it end now.').waitFor()
    await dialog.getByText('It is your last one').waitFor()
    await expectFitForAll(page)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await focused(opener)
    expect(await card(page, 'Authenticator app').count()).toBe(1)

    await opener.click()
    await dialog.getByRole('button', { name: 'Remove it' }).click()
    await page.getByText('Authenticator app is removed.').waitFor()
    await page.getByText('You have none.').waitFor()
    await other.getByText('A factor that this session was opened with was removed.').waitFor()
    await other.getByText('FACTOR_REMOVED').waitFor()
    expect(await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).count()).toBe(1)
  })

  it('have recovery codes, of which new ones are made, and few ones are seen', async () => {
    const { account, page } = await openFactors()
    await server.rows(sql`update annul.recovery_codes set used_at = now() where ctid in (
      select c.ctid from annul.recovery_codes c join annul.factors f on f.id = c.factor_id
      where f.user_id = ${account.userId} limit 9)`)
    await page.reload()
    expect(await card(page, 'Recovery codes').locator('.badge.warn').innerText()).toBe('1 code')
    await press(page, 'Make new recovery codes')
    const dialog = page.getByRole('dialog', { name: 'Make new recovery codes?' })
    await dialog.getByText('The former codes are dead then.').waitFor()
    await expectFitForAll(page)
    await dialog.getByRole('button', { name: 'Make new codes' }).click()
    const codes = await codesIn(page.getByRole('dialog', { name: 'Your recovery codes' }))
    expect(codes.filter(code => account.recoveryCodes.includes(code))).toEqual([])
    await expectFitForAll(page)
    await keepCodes(page)
    expect(await card(page, 'Recovery codes').innerText()).toContain('10 codes')
  })

  it('may be removed by an administrator at once or after a day, and a removal that waits is stopped', async () => {
    const { account, page } = await openFactors()
    const section = page.getByRole('region', { name: 'If you lose them all' })
    await section.getByText('takes effect at once').waitFor()
    await section.getByRole('button', { name: 'Let it wait for 24 hours' }).click()
    await section.getByText('waits for 24 hours').waitFor()
    await server.rows(sql`update annul.users set factors_end_at = now() + interval '24 hours'
      where id = ${account.userId}`)
    await page.reload()
    await section.getByText('An administrator is removing all your factors.').waitFor()
    expect(await section.innerText()).toMatch(/It takes effect (tomorrow|in 2[34] hours)\./)
    await expectFitForAll(page)
    await section.getByRole('button', { name: 'Stop it' }).click()
    await giveCode(proofOf(page), await freshCode(server, account.secret))
    await page.getByText('Your factors stay.').waitFor()
    await section.getByText('An administrator is removing').waitFor({ state: 'detached' })
    await section.getByRole('button', { name: 'Do not let it wait' }).click()
    await section.getByText('takes effect at once').waitFor()
  })

  it('are added, renamed and removed by the keyboard alone', async () => {
    const account = newcomer()
    const page = await open('/account/sign-up')
    await tabTo(page, 'E-mail address')
    await page.keyboard.type(account.email)
    await tabTo(page, 'Password')
    await page.keyboard.type(account.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    await tabTo(page, 'Second factors')
    await page.keyboard.press('Enter')
    await page.getByText('You have none.').waitFor()
    await tabTo(page, 'Add an authenticator app')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Add an authenticator app' })
    const secret = await secretOf(dialog)
    await focused(dialog.getByLabel('The code that the app shows now'))
    await page.keyboard.type('12')
    await page.keyboard.press('Enter')
    await until(async () =>
      (await describedBy(page, 'The code that the app shows now')).includes('This code is wrong'),
    )
    await page.keyboard.press('Control+A')
    await page.keyboard.type(codeOf(secret))
    await tabTo(page, 'Name')
    await page.keyboard.type('Phone')
    await page.keyboard.press('Enter')
    await codesIn(page.getByRole('dialog', { name: 'Your recovery codes' }))
    await tabTo(page, 'Print')
    await tabTo(page, 'I have kept them')
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await card(page, 'Phone').waitFor()

    await tabTo(page, 'Rename Phone', 'Shift+Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Rename Phone' }).waitFor()
    await page.keyboard.press('Control+A')
    await page.keyboard.type('Tablet')
    await page.keyboard.press('Enter')
    await page.getByText('It is called Tablet now.').waitFor()
    await tabTo(page, 'Remove Tablet')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Remove Tablet?' }).waitFor()
    await tabTo(page, 'Remove it')
    await page.keyboard.press('Enter')
    // The session was opened before there was a factor.
    await focused(proofOf(page).getByLabel('Code of your authenticator app'))
    await page.keyboard.type(await freshCode(server, secret))
    await page.keyboard.press('Enter')
    await page.getByText('Tablet is removed.').waitFor()
  })

  it('are found by everybody: each dialog of an enrolment breaks no rule', async () => {
    const account = await server.signUp()
    const page = await open('/account/factors')
    await expectFitForAll(page)
    await typePassword(page, account)
    await page.getByText('You have none.').waitFor()
    await expectFitForAll(page)
    await press(page, 'Add a passkey')
    await page.getByRole('dialog', { name: 'Add a passkey' }).waitFor()
    await expectFitForAll(page)
    await page.keyboard.press('Escape')
    await press(page, 'Add an authenticator app')
    const dialog = page.getByRole('dialog', { name: 'Add an authenticator app' })
    await dialog.getByLabel('The code that the app shows now').fill('1')
    await dialog.getByRole('button', { name: 'Add the app' }).click()
    await dialog.getByText('This code is wrong').waitFor()
    await expectFitForAll(page)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    const { secret } = await addTotp(page)
    const codes = page.getByRole('dialog', { name: 'Your recovery codes' })
    await codes.getByRole('button', { name: 'Close' }).click()
    await codes.getByText('Keep the codes first').waitFor()
    await expectFitForAll(page)
    await keepCodes(page)
    await expectFitForAll(page)
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
    await typePassword(page, account)
    await giveCode(page, '1')
    await page.getByText('This code is wrong').waitFor()
    await expectFitForAll(page)
    await page.getByRole('button', { name: 'Recovery code' }).click()
    await page.getByLabel('Recovery code').waitFor()
    await expectFitForAll(page)
    await page.getByRole('button', { name: 'Authenticator app' }).click()
    await giveCode(page, await freshCode(server, secret))
    await signedIn(page)
  })
})
