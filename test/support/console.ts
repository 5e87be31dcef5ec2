import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterEach, expect } from '@jest/globals'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { useBrowser } from '../client/browser/chromium.ts'
import type { Account } from './client.ts'
import { type TestServer, type TestServerOptions, useServer } from './server.ts'

/* The console in a real browser that reaches nothing but the server. */

/** What the browser may write without a fault of the page: what did not arrive, and advice about password fields. */
const harmless =
  /the server responded with a status of|Failed to load resource|username fields|^WebSocket connection to/

export interface TestConsole {
  readonly server: TestServer
  /** Opens the page at a place, such as `/account`, in a browser profile of its own. */
  open(place?: string, options?: BrowserContextOptions): Promise<Page>
}

/**
 * A server, and browsers that look at its console. After each test: nothing was asked of another host, the page's policy
 * was not broken, and no script has failed. Call it within `describeInChromium`.
 */
export function useConsole(
  options: TestServerOptions | (() => TestServerOptions | Promise<TestServerOptions>) = {},
): TestConsole {
  const browser = useBrowser()
  const server = useServer(async () => {
    const given = typeof options === 'function' ? await options() : options
    return { ...given, env: { HOST: 'localhost', ...given.env } }
  })
  const closing: (() => Promise<void>)[] = []
  const faults: string[] = []

  afterEach(async () => {
    await Promise.all(closing.splice(0).map(close => close()))
    expect(faults.splice(0)).toEqual([])
  })

  return {
    server,
    async open(place = '/', contextOptions = {}) {
      const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...contextOptions })
      closing.push(() => context.close())
      await context.route(
        url => !isOwn(url, server.url),
        route => {
          faults.push(`asked for ${route.request().url()}`)
          return route.abort()
        },
      )
      context.on('console', message => {
        if (['error', 'warning'].includes(message.type()) && !harmless.test(message.text()))
          faults.push(`${message.type()}: ${message.text()}`)
      })
      context.on('weberror', error => faults.push(`threw ${error.error().message}`))
      const page = await context.newPage()
      await page.goto(`${server.url}/#${place}`)
      return page
    },
  }
}

function isOwn(url: URL, server: string): boolean {
  // What a page has made itself.
  if (url.protocol === 'data:' || url.protocol === 'blob:') return true
  return url.host === new URL(server).host
}

/** Signs in by the form of the page that is shown. */
export async function signIn(page: Page, { email, password }: Pick<Account, 'email' | 'password'>) {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor()
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/**
 * No violation of WCAG 2.2 A and AA that axe-core sees, in the page as it is shown now.
 *
 * @returns how many rules had something to look at
 */
export async function expectAccessible(page: Page): Promise<number> {
  // Until then the page is being loaded. Behind a dialog the heading is there and can't be reached.
  await page.locator('h1').first().waitFor({ state: 'attached' })
  await page.evaluate(axe)
  const { violations, passes } = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(options: object): Promise<{
          violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
          passes: unknown[]
        }>
      }
    }
    const result = await axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return {
      passes: result.passes.length,
      violations: result.violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)}: ${failureSummary}`),
      })),
    }
  })
  expect(violations).toEqual([])
  return passes
}
