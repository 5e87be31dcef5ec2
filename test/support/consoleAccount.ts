import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { noteSecrets } from './client.ts'
import { sentTo } from './sentLinks.ts'
import type { TestServer } from './server.ts'
import { until } from './until.ts'

/* What the tests of the console's account room have in common. */

/** An account that is yet to be made by the page. */
export function newcomer(): { email: string; password: string } {
  const email = `page-${randomBytes(6).toString('hex')}@example.com`
  const password = `password ${randomBytes(9).toString('base64url')}`
  noteSecrets({ password })
  return { email, password }
}

/** The code of the newest mail of a kind to an address, as the person reads it. */
export async function codeOf(server: TestServer, kind: string, address: string): Promise<string> {
  const text = await mailOf(server, kind, address)
  const [code] = /\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/.exec(text) ?? []
  if (code === undefined) throw new Error(`The mail has no code: ${text}`)
  return code
}

/** The link of the newest mail of a kind to an address. */
export async function linkOf(server: TestServer, kind: string, address: string): Promise<string> {
  const text = await mailOf(server, kind, address)
  const [link] = /https?:\/\/\S+/.exec(text) ?? []
  if (link === undefined) throw new Error(`The mail has no link: ${text}`)
  noteSecrets(new URL(link).searchParams.get('token'))
  return link
}

async function mailOf(server: TestServer, kind: string, address: string): Promise<string> {
  const mails = await until(
    async () => (await sentTo(server, address)).filter(mail => mail.kind === kind),
    ({ length }) => length > 0,
  )
  return mails.at(-1)?.text ?? ''
}

/** A part of a page, by its heading. */
export const region = (page: Page, name: string) => page.getByRole('region', { name })

/** Presses a button of the content. The header has buttons of the same names. */
export const press = (page: Page, name: string) =>
  page.getByRole('main').getByRole('button', { name, exact: true }).click()

/** What stands at a field, as a screen reader tells it after the label. */
export async function describedBy(page: Page, label: string): Promise<string> {
  const field = page.getByLabel(label, { exact: true })
  const ids = ((await field.getAttribute('aria-describedby')) ?? '').split(' ').filter(Boolean)
  const texts = await Promise.all(ids.map(id => page.locator(`[id="${id}"]`).innerText()))
  return texts.join(' ')
}
