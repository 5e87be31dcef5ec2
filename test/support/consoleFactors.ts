import { sql } from 'drizzle-orm'
import type { Locator, Page } from 'playwright-core'
import decodeQR from 'qr/decode.js'
import type { Account } from './client.ts'
import { noteSecrets } from './client.ts'
import { codeOf } from './factors.ts'
import type { TestServer } from './server.ts'
import { until } from './until.ts'

/* What the tests of second factors in the console have in common. */

/** Sends the password, by the form that is shown. */
export async function typePassword(page: Page, { email, password }: Pick<Account, 'email' | 'password'>) {
  const main = page.getByRole('main')
  await main.getByLabel('E-mail address').fill(email)
  await main.getByLabel('Password', { exact: true }).fill(password)
  await main.getByRole('button', { name: 'Sign in', exact: true }).click()
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor({ state: 'detached' })
}

/** Waits until somebody is signed in. */
export const signedIn = (page: Page) =>
  page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor()

/** Gives a code of an authenticator app, where a part of the page asks for one. */
export async function giveCode(place: Page | Locator, code: string): Promise<void> {
  await place.getByLabel('Code of your authenticator app').fill(code)
  await place.getByRole('button', { name: 'Confirm', exact: true }).click()
}

/**
 * A code that is right now, whatever was used before: no test waits for the next 30 seconds. It stays right for as long as
 * a test takes to type it.
 */
export async function freshCode(server: TestServer, secret: string): Promise<string> {
  await server.rows(sql`update annul.factors set last_step = null where kind = 'TOTP'`)
  return codeOf(secret)
}

/** Adds an authenticator app by the page of factors. @returns its secret, and the codes that are shown */
export async function addTotp(page: Page, name = ''): Promise<{ secret: string; codes: string[] }> {
  await page.getByRole('button', { name: 'Add an authenticator app' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add an authenticator app' })
  const secret = await secretOf(dialog)
  await dialog.getByLabel('The code that the app shows now').fill(codeOf(secret))
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  await dialog.getByRole('button', { name: 'Add the app' }).click()
  const shown = page.getByRole('dialog', { name: 'Your recovery codes' })
  return { secret, codes: await codesIn(shown) }
}

/** The key that a person types into an app. */
export async function secretOf(dialog: Locator): Promise<string> {
  const secret = (await dialog.locator('.secret').innerText()).replace(/\s/g, '')
  noteSecrets(secret)
  return secret
}

/** The recovery codes that a dialog shows. */
export async function codesIn(dialog: Locator): Promise<string[]> {
  await dialog.waitFor()
  const codes = await dialog.getByRole('listitem').allInnerTexts()
  noteSecrets(...codes)
  return codes.map(code => code.trim())
}

export async function keepCodes(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Your recovery codes' })
  await dialog.getByLabel('I have kept them').check()
  await dialog.getByRole('button', { name: 'Done' }).click()
  await dialog.waitFor({ state: 'detached' })
}

/** What a camera reads in a QR code. */
export async function readQr(picture: Locator): Promise<string> {
  const size = Number((await picture.getAttribute('viewBox'))?.split(' ')[2])
  const path = (await picture.locator('path').getAttribute('d')) ?? ''
  const scale = 4
  const width = size * scale
  const data = new Uint8Array(width * width * 4).fill(255)
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
    for (let row = 0; row < scale; row++)
      for (let column = 0; column < scale; column++) {
        const pixel = (Number(y) * scale + row) * width + Number(x) * scale + column
        data.fill(0, pixel * 4, pixel * 4 + 3)
      }
  return decodeQR({ width, height: width, data })
}

/** How the newest session of an account was opened. */
export async function proofsOf(server: TestServer, email: string): Promise<string[]> {
  const [row] = await server.rows<{ amr: string[] }>(sql`
    select to_json(s.amr) as amr from annul.sessions s join annul.users u on u.id = s.user_id
    where u.email_key = ${email} order by s.created_at desc limit 1`)
  return row?.amr ?? []
}

/** Makes the proofs of an account's sessions old, so that the next guarded change asks. The page's tokens know it. */
export async function ageProofs(server: TestServer, page: Page, email: string): Promise<void> {
  await server.rows(sql`update annul.sessions set auth_time = now() - interval '1 hour'
    where user_id = (select id from annul.users where email_key = ${email})`)
  await page.reload()
}

/** A virtual authenticator of Chromium's, which has its user's fingerprint. */
export interface VirtualAuthenticator {
  /** Whether it answers at once, as if its user touched it. */
  answers(isPresent: boolean): Promise<void>
  /** How many passkeys it has. */
  count(): Promise<number>
  /** Whether its user is the one whom it knows. */
  verifies(isVerified: boolean): Promise<void>
}

export async function addAuthenticator(page: Page): Promise<VirtualAuthenticator> {
  const client = await page.context().newCDPSession(page)
  await client.send('WebAuthn.enable')
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    answers: async enabled =>
      void (await client.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })),
    verifies: async isUserVerified =>
      void (await client.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })),
    count: async () => (await client.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length,
  }
}

/** Waits until an element has the focus. */
export async function focused(target: Locator): Promise<void> {
  await until(() => target.evaluate(element => element === document.activeElement))
}
