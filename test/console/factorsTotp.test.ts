import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'
import { describedBy, press } from '../support/consoleAccount.ts'
import {
  addTotp,
  codesIn,
  focused,
  freshCode,
  giveCode,
  keepCodes,
  proofsOf,
  readQr,
  secretOf,
  signedIn,
  signOut,
  typePassword,
} from '../support/consoleFactors.ts'
import { codeOf, signUpWithTotp, wrongCode } from '../support/factors.ts'
import { until } from '../support/until.ts'

const codeField = 'Code of your authenticator app'

describeInChromium('An authenticator app, in the console,', () => {
  const { server, open } = useConsole()

  const openFactors = async () => {
    const account = await server.signUp()
    const page = await open('/account/factors')
    await signIn(page, account)
    return { account, page }
  }
  const dialogOf = (page: Page, name: string) => page.getByRole('dialog', { name })

  it('is added by its key or a picture of it, and then signs in', async () => {
    const { account, page } = await openFactors()
    await page.getByText('You have none.').waitFor()
    await press(page, 'Add an authenticator app')
    const dialog = dialogOf(page, 'Add an authenticator app')
    const secret = await secretOf(dialog)
    const uri = new URL(await readQr(dialog.getByRole('img', { name: 'QR code' })))
    expect(uri.protocol).toBe('otpauth:')
    expect(uri.searchParams.get('secret')).toBe(secret)
    expect(decodeURIComponent(uri.pathname)).toContain(account.email)
    expect(await dialog.getByRole('link').getAttribute('href')).toBe(uri.href)

    const field = dialog.getByLabel('The code that the app shows now')
    expect(await field.getAttribute('autocomplete')).toBe('one-time-code')
    expect(await field.getAttribute('inputmode')).toBe('numeric')
    await focused(field)
    await field.fill(wrongCode(secret))
    await dialog.getByRole('button', { name: 'Add the app' }).click()
    await until(async () =>
      (await describedBy(page, 'The code that the app shows now')).includes('This code is wrong'),
    )
    await focused(field)
    await field.fill(codeOf(secret))
    await dialog.getByRole('button', { name: 'Add the app' }).click()
    expect(await codesIn(dialogOf(page, 'Your recovery codes'))).toHaveLength(10)
    await keepCodes(page)
    await page.getByText('The authenticator app is added.').waitFor()
    const factors = page.getByRole('list', { name: 'Your factors' })
    await factors.getByRole('listitem', { name: 'Authenticator app' }).waitFor()
    expect(await factors.getByRole('listitem', { name: 'Recovery codes' }).innerText()).toContain('10 codes')

    await signOut(page)
    await typePassword(page, account)
    await page.getByText('Your password is right.').waitFor()
    await focused(page.getByLabel(codeField))
    expect(await page.getByLabel(codeField).getAttribute('autocomplete')).toBe('one-time-code')
    expect(await page.getByLabel(codeField).getAttribute('inputmode')).toBe('numeric')
    await giveCode(page, wrongCode(secret))
    await until(async () => (await describedBy(page, codeField)).includes('This code is wrong'))
    await focused(page.getByLabel(codeField))
    const code = await freshCode(server, secret)
    await giveCode(page, `${code.slice(0, 3)} ${code.slice(3)}`)
    await signedIn(page)
    expect(await proofsOf(server, account.email)).toEqual(['pwd', 'otp', 'mfa'])
    // The place where the person began.
    await page.getByRole('heading', { level: 1, name: 'Passkeys and second factors' }).waitFor()
  })

  it('has recovery codes that sign in once, each', async () => {
    const account = await signUpWithTotp(server)
    const [code = '', other = ''] = account.recoveryCodes
    const page = await open('/sign-in')
    const signInBy = async (recoveryCode: string) => {
      await typePassword(page, account)
      await page.getByRole('button', { name: 'Recovery code' }).click()
      await focused(page.getByLabel('Recovery code'))
      await page.getByLabel('Recovery code').fill(recoveryCode)
      await press(page, 'Confirm')
    }
    await signInBy(code.toLowerCase().replaceAll('-', ' '))
    await signedIn(page)
    await signOut(page)
    await page.goto(`${server.url}/#/account/factors`)
    await signInBy(code)
    await until(async () => (await describedBy(page, 'Recovery code')).includes('was used already'))
    await page.getByLabel('Recovery code').fill(other)
    await press(page, 'Confirm')
    await signedIn(page)
    await page.getByText('8 codes').waitFor()
  })

  it('leads back to the password when its challenge takes no further answer', async () => {
    const account = await signUpWithTotp(server)
    const page = await open('/sign-in')
    await typePassword(page, account)
    for (let tries = 0; tries < 5; tries++) {
      await giveCode(page, wrongCode(account.secret))
      await until(async () => (await describedBy(page, codeField)).includes('This code is wrong'))
      await page.getByLabel(codeField).fill('')
    }
    await giveCode(page, await freshCode(server, account.secret))
    await page.getByText('Please begin again with your password.').waitFor()
    // The address is still there, and only the password is to be typed.
    expect(await page.getByLabel('E-mail address').inputValue()).toBe(account.email)
    await focused(page.getByLabel('Password', { exact: true }))
    await typePassword(page, account)
    await giveCode(page, await freshCode(server, account.secret))
    await signedIn(page)
  })

  it('can be left, for the form to sign in as another person', async () => {
    const [account, other] = [await signUpWithTotp(server), await server.signUp()]
    const page = await open('/sign-in')
    await typePassword(page, account)
    await press(page, 'Cancel')
    await signIn(page, other)
  })
})

describeInChromium('The recovery codes in the console', () => {
  const { server, open } = useConsole()

  const showCodes = async () => {
    const account = await server.signUp()
    const page = await open('/account/factors', { permissions: ['clipboard-read', 'clipboard-write'] })
    await signIn(page, account)
    const { codes } = await addTotp(page)
    return { account, page, codes, dialog: page.getByRole('dialog', { name: 'Your recovery codes' }) }
  }

  it('stay in sight until the person has kept them', async () => {
    const { page, dialog } = await showCodes()
    await dialog.getByRole('button', { name: 'Done' }).click()
    for (let presses = 0; presses < 3; presses++) {
      await page.keyboard.press('Escape')
      await dialog.getByText('Keep the codes first').waitFor()
    }
    await dialog.getByRole('button', { name: 'Close' }).click()
    expect(await dialog.isVisible()).toBe(true)
    // As the browser does, which may close a dialog whatever the page says.
    await dialog.evaluate(element => (element as HTMLDialogElement).close())
    await dialog.waitFor()
    await keepCodes(page)
    // They are shown once.
    await page.reload()
    await page.getByRole('listitem', { name: 'Recovery codes' }).waitFor()
    expect(await page.locator('.sheet').count()).toBe(0)
  })

  it('are copied, and saved as a file', async () => {
    const { account, page, codes, dialog } = await showCodes()
    await dialog.getByRole('button', { name: 'Copy' }).click()
    await dialog.getByText('Copied').waitFor()
    const copied = String(await page.evaluate(() => navigator.clipboard.readText()))
    const downloading = page.waitForEvent('download')
    await dialog.getByRole('button', { name: 'Save as a file' }).click()
    const download = await downloading
    expect(download.suggestedFilename()).toBe('recovery-codes.txt')
    const saved = readFileSync(await download.path(), 'utf8')
    expect(saved).toBe(copied)
    expect(saved.split('\n').filter(line => codes.includes(line))).toEqual(codes)
    expect(saved).toContain(account.email)
  })

  it('are all that is printed, on one page', async () => {
    const { account, page, codes, dialog } = await showCodes()
    await page.evaluate(() => {
      Object.assign(globalThis, { printed: 0, print: () => Object.assign(globalThis, { printed: 1 }) })
    })
    await dialog.getByRole('button', { name: 'Print' }).click()
    expect(await page.evaluate('printed')).toBe(1)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ media: 'print', colorScheme })
      const text = String(await page.evaluate(() => document.body.innerText))
      const lines = text.split('\n').map(line => line.trim())
      expect(lines.filter(Boolean)).toEqual([
        'Recovery codes for Annul',
        expect.stringMatching(`^Account ${account.email}, made on \\d{4}-\\d\\d-\\d\\d$`),
        'Each code works once, in place of your other factors.',
        ...codes,
      ])
      expect(await page.getByRole('button').or(page.getByRole('checkbox')).count()).toBe(0)
      expect(
        await dialog.evaluate(element => [
          getComputedStyle(element).color,
          getComputedStyle(element).backgroundColor,
        ]),
      ).toEqual(['rgb(0, 0, 0)', 'rgb(255, 255, 255)'])
    }
    const pdf = (await page.pdf()).toString('latin1')
    expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1)
    await page.emulateMedia({ media: 'screen', colorScheme: 'light' })
    await keepCodes(page)
    // Any other page is printed as it is.
    await page.emulateMedia({ media: 'print' })
    await page.getByRole('heading', { name: 'Passkeys and second factors' }).waitFor()
  })
})
