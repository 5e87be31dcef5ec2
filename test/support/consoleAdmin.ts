import { expect } from '@jest/globals'
import type { BrowserContextOptions, Page } from 'playwright-core'
import type { Account } from './client.ts'
import { expectAccessible, signIn, type TestConsole } from './console.ts'
import { makeAdmin } from './server.ts'
import { until } from './until.ts'

/* The console as admins see it. */

/** Opens a place of the console as a new admin. */
export async function openAsAdmin(
  { server, open }: TestConsole,
  place: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; admin: Account }> {
  const admin = await server.signUp()
  await makeAdmin(server, admin.email)
  const page = await open(place, options)
  await signIn(page, admin)
  return { page, admin }
}

const schemes = ['light', 'dark'] as const
const phone = { width: 360, height: 740 }

/** What is shown now breaks no rule of WCAG in light, dark and on a phone, where it does not scroll sideways. */
export async function expectFitForAll(page: Page): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme })
    await expectAccessible(page)
  }
  const former = page.viewportSize()
  await page.setViewportSize(phone)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
  await expectAccessible(page)
  await page.emulateMedia({ colorScheme: 'light' })
  if (former) await page.setViewportSize(former)
}

/** Waits until the page has what is named, then presses a key until that has the focus. @throws Error after 80 presses */
export async function tabTo(page: Page, name: string, key = 'Tab'): Promise<void> {
  const look = () =>
    page.evaluate(() => {
      const nameOf = (element: Element | null) => {
        const label = (element as HTMLInputElement | null)?.labels?.[0]
        return (element?.getAttribute('aria-label') ?? (label ?? element)?.textContent ?? '').trim()
      }
      const all = document.querySelectorAll('a, button, input, select, textarea, summary, [tabindex]')
      return { focused: nameOf(document.activeElement), names: [...all].map(nameOf) }
    })
  await until(look, ({ names }) => names.includes(name))
  for (let presses = 0; presses < 80; presses++) {
    if ((await look()).focused === name) return
    await page.keyboard.press(key)
  }
  throw new Error(`The keyboard does not come to "${name}".`)
}
