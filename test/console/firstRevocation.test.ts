import { expect, it } from '@jest/globals'
import { createSession } from '../../src/client/index.ts'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'
import { openAsAdmin } from '../support/consoleAdmin.ts'

describeInChromium('The way of docs/getting-started.md', () => {
  const console = useConsole()
  const { server } = console

  it('leads an admin by the page to a session that a running client loses, and to the figure that counts it', async () => {
    const email = 'ada@example.com'
    let reason: string | undefined
    const session = createSession({
      endpoint: `${server.url}/graphql`,
      onSignedOut: told => {
        reason = told
      },
    })
    await session.register({ email, password: 'correct horse battery staple' })
    const ask = async () => {
      const response = await session.fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ me { email } }' }),
      })
      return response.json()
    }
    expect(await ask()).toEqual({ data: { me: { email } } })

    const { page } = await openAsAdmin(console, '/sign-in')
    await page.getByRole('banner').getByRole('link', { name: 'Admin' }).click()
    await page.getByRole('link', { name: 'Nodes' }).click()
    const counted = page.locator('dl.figures > div').filter({ hasText: 'In the last hour' }).locator('dd')
    const before = Number(await counted.innerText())
    const users = await page.context().newPage()
    await users.goto(`${server.url}/#/admin`)
    await users.getByRole('link', { name: email }).click()
    await users.getByRole('button', { name: 'End all sessions …' }).click()
    await users.getByRole('dialog').getByRole('button', { name: 'End all sessions' }).click()
    await users.getByText(/Ended on all nodes/).waitFor()

    expect((await ask()).errors).toEqual([
      expect.objectContaining({ extensions: expect.objectContaining({ reason: 'SESSIONS_REVOKED' }) }),
    ])
    expect(reason).toBe('SESSIONS_REVOKED')
    await page.bringToFront()
    await page.waitForFunction(
      number =>
        [...document.querySelectorAll('dl.figures dd')].some(({ textContent }) => textContent === number),
      String(before + 1),
    )
  })
})
