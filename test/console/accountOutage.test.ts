import { afterAll, describe, expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'
import { press, region } from '../support/consoleAccount.ts'
import { createDatabase, onPostgres } from '../support/database.ts'
import { type NodeProxy, startProxy } from '../support/proxy.ts'

const outage = 'Nobody is signed out.'

// The embedded database lives and dies with its node.
const describeOnPostgres = onPostgres ? describeInChromium : describe.skip

describeOnPostgres('While the database is out of reach, the console', () => {
  let proxy: NodeProxy
  const { server, open } = useConsole(async () => {
    const { env } = await createDatabase()
    const url = new URL(env.DATABASE_URL ?? '')
    proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(proxy.port)
    return { database: { env: { ...env, DATABASE_URL: url.href } } }
  })

  afterAll(() => proxy.close())

  const openSignedIn = async (place: string) => {
    const account = await server.signUp()
    const page = await open('/account')
    await signIn(page, account)
    await page.goto(`${server.url}/#${place}`)
    return { account, page }
  }
  const expectSignedIn = async (page: Page) => {
    await page.getByText(outage).waitFor({ state: 'hidden', timeout: 20_000 })
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  }
  const during = async (work: () => Promise<void>) => {
    proxy.set('cut')
    try {
      await work()
    } finally {
      proxy.set('forward')
    }
  }

  it.each(['/', '/account', '/account/sessions'])(
    'says so without a click at %s, signs nobody out, and goes on by itself',
    async place => {
      const { page } = await openSignedIn(place)
      await during(async () => {
        await page.getByText(outage).waitFor({ timeout: 20_000 })
        await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor()
        await expectAccessible(page)
      })
      await expectSignedIn(page)
    },
    60_000,
  )

  it('says so when it is loaded meanwhile, shows no form to sign in, and then whose page it is', async () => {
    const { account, page } = await openSignedIn('/account')
    await during(async () => {
      await page.reload()
      await page.getByText(outage).waitFor({ timeout: 20_000 })
      await page.getByText('Loading …').waitFor()
      expect(await page.getByRole('heading', { name: 'Sign in' }).count()).toBe(0)
      expect(await page.getByRole('banner').getByRole('link', { name: 'Sign in' }).count()).toBe(0)
      await expectAccessible(page)
    })
    await page.getByRole('heading', { name: 'Your account' }).waitFor({ timeout: 20_000 })
    await page.getByRole('main').getByText(account.email).waitFor()
    await expectSignedIn(page)
  }, 60_000)

  it('tells at the form that a change was not made, and makes it afterwards', async () => {
    const { account, page } = await openSignedIn('/account')
    const change = async () => {
      await page.getByLabel('Present password').fill(account.password)
      await page.getByLabel('New password', { exact: true }).fill('an entirely new password of words')
      await press(page, 'Change the password')
    }
    await during(async () => {
      await page.getByText(outage).waitFor({ timeout: 20_000 })
      await change()
      const form = region(page, 'Change the password')
      await form.getByRole('alert').getByText('UNAVAILABLE').waitFor({ timeout: 30_000 })
    })
    await page.getByText(outage).waitFor({ state: 'hidden', timeout: 20_000 })
    await change()
    await page.getByText('The password is changed.').waitFor({ timeout: 20_000 })
  }, 90_000)

  it('shows sessions live again, and tells the reason of an end that came meanwhile', async () => {
    const { account, page } = await openSignedIn('/account/sessions')
    const other = await open('/account/sessions')
    await signIn(other, account)
    await page.getByRole('listitem').nth(2).waitFor({ timeout: 10_000 })
    await during(async () => {
      await page.getByText(outage).waitFor({ timeout: 20_000 })
    })
    await expectSignedIn(page)
    const { session } = await server.login(account)
    await page.getByRole('listitem').nth(3).waitFor({ timeout: 20_000 })
    const { accessToken } = await server.login(account)
    await server.send('mutation ($id: ID!) { revokeSession(id: $id) }', {
      variables: { id: session.id },
      token: accessToken,
    })
    await page.getByText('ended from the list of sessions').waitFor({ timeout: 20_000 })
    await server.send('mutation { revokeSessions }', { token: accessToken })
    await page.getByText('You were signed out on all devices.').waitFor({ timeout: 20_000 })
  }, 90_000)

  it('tells a person who signs in meanwhile, who can do so afterwards', async () => {
    const account = await server.signUp()
    const page = await open('/sign-in')
    await during(async () => {
      await page.getByLabel('E-mail address').fill(account.email)
      await page.getByLabel('Password', { exact: true }).fill(account.password)
      await press(page, 'Sign in')
      await page.getByText('Working …').waitFor()
      await page.getByRole('alert').getByText('UNAVAILABLE').waitFor({ timeout: 30_000 })
    })
    await press(page, 'Sign in')
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor({ timeout: 20_000 })
  }, 90_000)

  it('says so where the network is gone, and goes on when it is back', async () => {
    const { page } = await openSignedIn('/account/sessions')
    await page.context().setOffline(true)
    await page.getByText(outage).waitFor({ timeout: 30_000 })
    await page.context().setOffline(false)
    await expectSignedIn(page)
  }, 90_000)
})
