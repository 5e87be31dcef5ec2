import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { must } from '../support/answers.ts'
import { useConsole } from '../support/console.ts'
import { expectFitForAll, openAsAdmin, tabTo } from '../support/consoleAdmin.ts'
import { onPostgres } from '../support/database.ts'
import { openAdmin } from '../support/devices.ts'
import { useSecondNode } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useVerifier } from '../support/verifier.ts'

describeInChromium('The fleet', () => {
  const console = useConsole()
  const { server } = console
  const second = useSecondNode(server)
  useVerifier(() => [server])

  const card = (page: Page, kind: string) => page.locator(`[data-kind=${kind}]`)
  const figure = (page: Page, name: string) =>
    page.locator('dl.figures > div').filter({ hasText: name }).locator('dd').innerText()

  it('shows each node and verifier with a bar of its age against its lease, or why there is none', async () => {
    const { page } = await openAsAdmin(console, '/admin/nodes')
    await until(async () => (await card(page, 'AUTH').count()) === (onPostgres ? 2 : 1))
    const answering = page.getByText('answers this page', { exact: true })
    const own = card(page, 'AUTH').filter({ has: answering })
    await own.waitFor()
    expect(await own.getByRole('heading').innerText()).toBe(
      `Auth node ${server.auth.parts.revocation.node()?.id.slice(0, 8)}`,
    )
    const bar = own.getByRole('meter', {
      name: /^Age of what Auth node [\da-f]{8} knows, against its lease$/,
    })
    expect(await bar.getAttribute('max')).toBe('500')
    expect(Number(await bar.getAttribute('value'))).toBeLessThan(500)
    expect(await own.innerText()).toMatch(/(\d+|under 1) of 500 ms/)
    if (onPostgres) {
      const other = card(page, 'AUTH').filter({ hasNot: answering })
      expect(await other.innerText()).toContain('Lease 500 ms')
      expect(await other.innerText()).toContain('each auth node knows the age of its own memory alone')
      expect(await other.getByRole('meter').count()).toBe(0)
    }
    // The verifier is written down within seconds.
    const verifier = card(page, 'VERIFIER')
    await verifier.waitFor()
    expect(await verifier.getByRole('heading').innerText()).toMatch(/^service-/)
    await verifier.getByRole('meter', { name: /^Age of what service-/ }).waitFor()
    expect(await verifier.innerText()).toMatch(/of 500 ms/)
    await expectFitForAll(page)
  })

  it('shows revocations while they happen: the log, the minutes and the histogram, without /metrics', async () => {
    const { page } = await openAsAdmin(console, '/admin/nodes')
    const asked = new Set<string>()
    page.on('request', request => asked.add(new URL(request.url()).pathname))
    const chart = page.getByRole('img', { name: /^Revocations per minute in the last hour/ })
    await chart.waitFor()
    const all = async () => Number(await figure(page, 'In the last hour'))
    const before = await all()
    const waits = page.getByRole('figure', { name: 'Revoked on all nodes' })
    const measured = async () =>
      Number(/Of (\d+)/.exec((await waits.getByRole('img').getAttribute('aria-label')) ?? '')?.[1] ?? 0)
    const measuredBefore = await measured()

    const admin = await openAdmin(server)
    for (let round = 0; round < 3; round++) {
      const user = await server.signUp()
      const mutation = `mutation { revokeUserSessions(id: "${user.userId}") { id } }`
      must(await server.send(mutation, { token: admin.accessToken }))
    }
    await until(async () => (await all()) >= before + 3)
    await until(async () => (await measured()) >= measuredBefore + 3)
    expect(await chart.getAttribute('aria-label')).toMatch(
      /^Revocations per minute in the last hour: \d+ in all, at most \d+ in one minute, \d+ in this minute\.$/,
    )
    expect(await chart.locator('rect').count()).toBe(60)
    expect(Number(await figure(page, 'Users and sessions in memory'))).toBeGreaterThanOrEqual(3)
    expect(await waits.getByRole('img').getAttribute('aria-label')).toMatch(
      /^Of \d+ revocations half were known on all nodes within [\d.]+ m?s\.$/,
    )
    const heights = await waits
      .locator('rect')
      .evaluateAll(bars => bars.map(bar => bar.getAttribute('width')))
    expect(heights).toContain('50%')

    // The same as numbers, by keyboard; what is open stays open while the figures change.
    for (const [name, count] of [
      ['Revocations per minute', 61],
      ['Revoked on all nodes', 17],
    ] as const) {
      const shown = page.getByRole('figure', { name })
      await shown.getByText('The numbers').focus()
      await page.keyboard.press('Enter')
      await shown.getByRole('table').waitFor()
      expect(await shown.getByRole('row').count()).toBe(count)
    }
    await expectFitForAll(page)
    await page.waitForTimeout(1500)
    expect(await page.getByRole('table').count()).toBe(2)
    expect([...asked]).toEqual(['/graphql'])
  })

  it('stands still while it is paused', async () => {
    const { page } = await openAsAdmin(console, '/admin/nodes')
    await page.getByText('The figures are renewed every second.').waitFor()
    let count = 0
    page.on('request', () => count++)
    await until(() => count >= 2)
    await tabTo(page, 'Live')
    await page.keyboard.press('Space')
    await page.getByText('Paused').waitFor()
    await page.waitForTimeout(500)
    const paused = count
    await page.waitForTimeout(2000)
    expect(count).toBe(paused)
    await page.keyboard.press('Space')
    await until(() => count > paused)
  })

  it('is tried with a session that was opened for it, and nothing else ends', async () => {
    const { page, admin } = await openAsAdmin(console, '/admin/nodes')
    await page.getByRole('button', { name: 'Try it …' }).press('Enter')
    const dialog = page.getByRole('dialog', { name: 'See a revocation' })
    await page.keyboard.type('not the password of the admin')
    await page.keyboard.press('Enter')
    await dialog.getByText('INVALID_CREDENTIALS').waitFor()
    await expectFitForAll(page)
    await dialog.getByLabel('Your password').fill(admin.password)
    await page.keyboard.press('Enter')
    await dialog.getByText('Before: the token was accepted.').waitFor()
    await dialog.getByText(/^Ended on all nodes/).waitFor()
    await dialog.getByText('After: the token is refused with SESSION_REVOKED.').waitFor()
    await expectFitForAll(page)
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Revocations' }).waitFor()
    // The one that it was made with, and the page's own.
    const device = await second.login(admin)
    const { sessions } = must(
      await second.send<{ sessions: unknown[] }>('{ sessions { id } }', { token: device.accessToken }),
    )
    expect(sessions).toHaveLength(3)
  })
})
