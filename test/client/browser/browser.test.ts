import { afterAll, afterEach, expect, it } from '@jest/globals'
import type { BrowserContext, Page } from 'playwright-core'
import { useServer } from '../../support/server.ts'
import { describeInChromium, useBrowser } from './chromium.ts'
import { startPageServer } from './pageServer.ts'

/* The built client in a real browser, against a real node. Without Debian's chromium these are listed as skipped. */

describeInChromium('in Chromium, the client', () => {
  let pages: Awaited<ReturnType<typeof startPageServer>>
  const browser = useBrowser()
  let context: BrowserContext

  const server = useServer(async () => {
    pages = await startPageServer()
    return { env: { HOST: 'localhost', ANNUL_ALLOWED_ORIGINS: pages.url } }
  })
  afterAll(() => pages?.close())
  afterEach(() => context?.close())

  const open = async (): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(`${pages.url}/?endpoint=${encodeURIComponent(`${server.url}/graphql`)}`)
    await page.waitForFunction('window.annul')
    await page.evaluate('annul.session.ready')
    return page
  }
  /** A new browser profile with two tabs, signed in. */
  const signIn = async () => {
    const account = await server.signUp()
    context = await browser.newContext()
    const first = await open()
    await first.evaluate(
      `annul.session.login(${JSON.stringify({ email: account.email, password: account.password })})`,
    )
    return { account, first, second: await open() }
  }
  const status = (page: Page) => page.evaluate('annul.session.state.status')
  const generation = async () =>
    Number((await context.cookies()).find(({ name }) => name === '__Host-annul-session')?.value.split('.')[1])

  it('keeps the refresh token where no script can read it', async () => {
    const { first } = await signIn()
    const cookies = await context.cookies()
    expect(cookies.find(({ name }) => name === '__Host-annul-refresh')).toMatchObject({
      value: expect.stringMatching(/^annul_rt_/),
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
      path: '/',
    })
    const readable = await first.evaluate(
      `(async () => {
        const databases = await indexedDB.databases()
        const dump = []
        for (const { name } of databases) {
          const database = await new Promise(resolve => { const opening = indexedDB.open(name); opening.onsuccess = () => resolve(opening.result) })
          for (const store of database.objectStoreNames)
            dump.push(await new Promise(resolve => { const all = database.transaction(store).objectStore(store).getAll(); all.onsuccess = () => resolve(all.result) }))
          database.close()
        }
        return JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, dump])
      })()`,
    )
    expect(readable).toContain('__Host-annul-session=')
    expect(readable).not.toContain('annul_rt_')
  })

  it('lets a second tab and a reloaded page find the session', async () => {
    const { account, first, second } = await signIn()
    expect(await second.evaluate('annul.ask()')).toBe(account.email)
    await first.reload()
    await first.waitForFunction('window.annul')
    await first.evaluate('annul.session.ready')
    expect(await status(first)).toBe('signedIn')
    expect(await first.evaluate('annul.ask()')).toBe(account.email)
  })

  it('survives two tabs that refresh at once', async () => {
    const { account, first, second } = await signIn()
    for (let round = 0; round < 5; round++)
      await Promise.all([first, second].map(tab => tab.evaluate('annul.session.refresh()')))
    for (const tab of [first, second]) {
      expect(await tab.evaluate('annul.ask()')).toBe(account.email)
      expect(await tab.evaluate('annul.ended')).toEqual([])
    }
  })

  it('survives a lost response', async () => {
    const { account, first, second } = await signIn()
    const before = await generation()
    let lost = 0
    await context.route('**/graphql', async route => {
      if (lost === 0 && route.request().postData()?.includes('refresh(')) {
        lost++
        // The server has answered; the page never learns of it.
        await fetch(route.request().url(), {
          method: 'POST',
          headers: await route.request().allHeaders(),
          body: route.request().postData(),
        })
        return route.abort('connectionreset')
      }
      return route.continue()
    })
    await first.evaluate('annul.session.refresh()')
    expect(lost).toBe(1)
    expect(await generation()).toBe(before + 1)
    for (const tab of [first, second]) expect(await tab.evaluate('annul.ask()')).toBe(account.email)
    expect(await first.evaluate('annul.ended')).toEqual([])
  })

  it('signs out every tab when one logs out', async () => {
    const { first, second } = await signIn()
    expect(await first.evaluate('annul.session.logout()')).toBe(true)
    await second.waitForFunction("annul.session.state.status === 'signedOut'")
    expect(await status(first)).toBe('signedOut')
    for (const tab of [first, second]) expect(await tab.evaluate('annul.ended')).toEqual(['LOGGED_OUT'])
    // The device stays known (docs/brute-force.md).
    const names = (await context.cookies()).map(({ name }) => name)
    expect(names.filter(name => name.startsWith('__Host-annul'))).toEqual(['__Host-annul-device'])
  })
})
