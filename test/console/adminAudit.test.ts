import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { appendAuditAlone } from '../../src/audit/appendAudit.ts'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'
import { expectFitForAll, openAsAdmin, tabTo } from '../support/consoleAdmin.ts'
import { until } from '../support/until.ts'

describeInChromium('The audit log', () => {
  const console = useConsole()
  const { server } = console

  const append = (detail: string, userId: string | null = null) =>
    appendAuditAlone(server.auth.parts, { kind: 'login-failed', userId, detail })
  const rows = (page: Page) => page.getByRole('region', { name: 'Events' }).getByRole('row')
  const detailsOf = (page: Page) => page.locator('td.detail').allInnerTexts()
  const asks = (page: Page) => {
    let count = 0
    page.on('request', request => {
      if (request.method() === 'POST' && request.postData()?.includes('auditEvents(')) count++
    })
    return () => count
  }
  /** Lets at least two polls come back. */
  const polled = async (count: () => number) => {
    const before = count()
    await until(() => count() >= before + 3)
  }

  it('is filtered by user and kind, and the address keeps the filter', async () => {
    const [user, other] = [await server.signUp(), await server.signUp()]
    await append('of the user', user.userId)
    await append('of the other', other.userId)
    const { page } = await openAsAdmin(console, '/admin/audit')
    await page.getByText('of the other').waitFor()
    await expectFitForAll(page)

    await tabTo(page, 'User')
    await page.keyboard.type(user.email.toUpperCase())
    await page.keyboard.press('Tab')
    await page.keyboard.type('login-failed')
    await page.keyboard.press('Enter')
    await until(async () => (await detailsOf(page)).join() === 'of the user')
    expect(new URL(page.url()).hash).toBe(`#/admin/audit/user/${user.userId}/kind/login-failed`)
    await page.reload()
    await until(async () => (await detailsOf(page)).join() === 'of the user')
    expect(await page.getByLabel('Kind of event').inputValue()).toBe('login-failed')

    await page.getByLabel('Kind of event').fill('')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByRole('cell', { name: 'register' }).waitFor()
    expect(await rows(page).count()).toBe(3)
    await page.getByRole('link', { name: 'Show all events' }).click()
    await page.getByText('of the other').waitFor()
    expect(await page.getByLabel('User').inputValue()).toBe('')

    await page.getByLabel('Kind of event').fill('no-such-kind')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByText('There is no such event.').waitFor()
    await page.getByLabel('User').fill('nobody@example.com')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByText('There is no user with this e-mail.').waitFor()
    await expectFitForAll(page)
    await page.getByLabel('User').fill('no id')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByText('ID_INVALID').waitFor()
    await expectFitForAll(page)
  })

  it('is read page by page: older pages stay as they are', async () => {
    const { userId } = await server.signUp()
    const all = Array.from({ length: 120 }, (_, number) => `event ${number}`).toReversed()
    for (const detail of all.toReversed()) await append(detail, userId)
    const { page } = await openAsAdmin(console, `/admin/audit/user/${userId}/kind/login-failed`)
    const pageOf = async (number: number) => {
      await page.getByText(`Page ${number}`, { exact: true }).waitFor()
      await rows(page).first().waitFor()
      return detailsOf(page)
    }
    const next = page.getByRole('button', { name: 'Next page' })
    expect(await pageOf(1)).toEqual(all.slice(0, 50))
    await next.press('Enter')
    expect(await pageOf(2)).toEqual(all.slice(50, 100))
    await page.getByText('These are older events.').waitFor()
    const count = asks(page)
    await append('new', userId)
    await page.waitForTimeout(2500)
    expect(count()).toBe(0)
    expect(await detailsOf(page)).toEqual(all.slice(50, 100))
    await expectFitForAll(page)
    await next.press('Enter')
    expect(await pageOf(3)).toEqual(all.slice(100))
    await page.getByRole('button', { name: 'Previous page' }).press('Enter')
    await page.getByRole('button', { name: 'Previous page' }).press('Enter')
    expect(await pageOf(1)).toEqual(['new', ...all.slice(0, 49)])
  })

  it('is live: new events appear by themselves, unless it is paused or the tab is hidden', async () => {
    const { userId } = await server.signUp()
    const { page } = await openAsAdmin(console, `/admin/audit/user/${userId}`)
    await page.getByRole('cell', { name: 'register' }).waitFor()
    const count = asks(page)
    await append('one', userId)
    await page.getByText('one', { exact: true }).waitFor()

    await tabTo(page, 'Live')
    await page.keyboard.press('Space')
    await page.getByText('Paused: what you see stays as it is.').waitFor()
    await expectFitForAll(page)
    await append('two', userId)
    // What was on its way may still come back.
    await page.waitForTimeout(500)
    const paused = count()
    await page.waitForTimeout(2500)
    expect(count()).toBe(paused)
    await page.keyboard.press('Space')
    await page.getByText('two', { exact: true }).waitFor()

    await page.evaluate(() =>
      Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true }),
    )
    await page.waitForTimeout(500)
    const hidden = count()
    await page.waitForTimeout(2500)
    expect(count()).toBe(hidden)
    await append('three', userId)
    await page.evaluate(() => Reflect.deleteProperty(document, 'visibilityState'))
    await page.getByText('three', { exact: true }).waitFor()
  })

  it('does not move what the person reads: new events wait until they are asked for, or the reader has gone', async () => {
    const { userId } = await server.signUp()
    for (let number = 0; number < 50; number++) await append(`old ${number}`, userId)
    const { page } = await openAsAdmin(console, `/admin/audit/user/${userId}`)
    await page.getByText('old 49', { exact: true }).waitFor()
    const count = asks(page)
    const placeOf = (text: string) =>
      page.getByText(text, { exact: true }).evaluate(cell => cell.getBoundingClientRect().top)

    // By the mouse.
    await page.getByText('old 45', { exact: true }).hover()
    const top = await placeOf('old 45')
    await append('new 1', userId)
    await page.getByRole('button', { name: 'Show 1 new event' }).waitFor()
    await polled(count)
    expect(await placeOf('old 45')).toBe(top)
    await page.getByRole('button', { name: 'Show 1 new event' }).click()
    await page.getByText('new 1', { exact: true }).waitFor()

    // By the keyboard.
    await page.mouse.move(0, 0)
    await page.getByRole('region', { name: 'Events' }).focus()
    await append('new 2', userId)
    await page.getByRole('button', { name: 'Show 1 new event' }).waitFor()
    await expectFitForAll(page)
    await page.getByRole('link', { name: 'Audit log' }).focus()
    await page.getByText('new 2', { exact: true }).waitFor()

    // By scrolling.
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
    const scrolled = await placeOf('old 10')
    await append('new 3', userId)
    await append('new 4', userId)
    await polled(count)
    expect(await page.getByText('new 4', { exact: true }).count()).toBe(0)
    expect(await placeOf('old 10')).toBe(scrolled)
    await page.evaluate(() => scrollTo(0, 0))
    await page.getByText('new 4', { exact: true }).waitFor()
    await page.getByText('new 3', { exact: true }).waitFor()
  })

  it('says so during an outage, keeps what it shows, and goes on', async () => {
    const { userId } = await server.signUp()
    const { page } = await openAsAdmin(console, `/admin/audit/user/${userId}`)
    await page.getByRole('cell', { name: 'register' }).waitFor()
    await page.context().setOffline(true)
    await page.getByText('The server can not reach its database').waitFor()
    expect(await page.getByRole('cell', { name: 'register' }).count()).toBe(1)
    await append('after the outage', userId)
    await page.context().setOffline(false)
    await page.getByText('after the outage').waitFor()
    expect(await page.getByText('The server can not reach its database').count()).toBe(0)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it('leads to the users of its events', async () => {
    const user = await server.signUp()
    await server.rows(sql`update annul.users set scopes = '{read:own}' where id = ${user.userId}`)
    const { page } = await openAsAdmin(console, `/admin/audit/user/${user.userId}`)
    await page
      .getByRole('link', { name: user.userId.slice(0, 8) })
      .first()
      .press('Enter')
    await page.getByRole('heading', { level: 1, name: user.email }).waitFor()
    expect(await page.getByLabel('Scopes').inputValue()).toBe('read:own')
    await page.getByRole('link', { name: 'See them live in the audit log' }).click()
    await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor()
  })
})
