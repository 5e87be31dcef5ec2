import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { temporaryDirectory } from '../../support/database.ts'
import { useServer } from '../../support/server.ts'
import { describeInChromium, useBrowser } from '../browser/chromium.ts'
import { startFileServer } from '../browser/fileServer.ts'

/* `annul/client/react` in a small app (App.tsx): rendered by Node, hydrated in a real browser against a real node. */

let folder: string
let rendered: { before: string; after: string; status: string; error: string }
let complaints: string

beforeAll(async () => {
  folder = await temporaryDirectory()
  const options = {
    bundle: true,
    jsx: 'automatic',
    outdir: folder,
    // React's build for development, which warns.
    define: { 'process.env.NODE_ENV': '"development"' },
  } as const
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const banner = {
    js: `import { createRequire } from 'node:module'; const require = createRequire('${folder}/')`,
  }
  await build({
    ...options,
    entryPoints: [file('render.js')],
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner,
  })
  await build({ ...options, entryPoints: [file('hydrate.js')], platform: 'browser', format: 'esm' })
  const run = promisify(execFile)
  const { stdout, stderr } = await run(process.execPath, [join(folder, 'render.mjs')], { timeout: 30_000 })
  rendered = JSON.parse(stdout)
  complaints = stderr
  const html = `<!doctype html><title>App</title><link rel="icon" href="data:,"><div id="root">${rendered.before}</div><script type="module" src="/hydrate.js"></script>`
  await writeFile(join(folder, 'index.html'), html)
})

describe('on a server, useSession', () => {
  it('renders as restoring, whatever has become of the session', () => {
    expect(complaints).toBe('')
    expect(rendered.before).toBe(
      '<button id="status" type="button">restoring 0</button><button id="list" type="button">List</button>',
    )
    expect(rendered.status).toBe('signedOut')
    expect(rendered.after).toBe(rendered.before)
  })

  it('names the provider where it is missing', () => {
    expect(rendered.error).toBe('useSession: there is no <SessionProvider> above this component.')
  })
})

describeInChromium('in Chromium, useSession', () => {
  const browser = useBrowser()
  let pages: Awaited<ReturnType<typeof startFileServer>>
  const server = useServer(async () => {
    pages = await startFileServer(folder)
    return { env: { HOST: 'localhost', ANNUL_ALLOWED_ORIGINS: pages.url } }
  })
  afterAll(() => pages?.close())

  let context: BrowserContext
  let written: string[]
  afterEach(() => context?.close())

  /** A tab whose app is not hydrated yet. */
  const open = async (): Promise<Page> => {
    const page = await context.newPage()
    page.on('console', message => {
      if (['warning', 'error'].includes(message.type())) written.push(message.text())
    })
    page.on('pageerror', error => written.push(String(error)))
    await page.goto(`${pages.url}/?endpoint=${encodeURIComponent(`${server.url}/graphql`)}`)
    await page.waitForFunction('window.annul')
    return page
  }
  /** A new browser profile. */
  const openFirst = async (): Promise<Page> => {
    context = await browser.newContext()
    written = []
    return open()
  }
  /** A tab of a user who is signed in. */
  const signIn = async () => {
    const account = await server.signUp()
    const page = await openFirst()
    const { email, password } = account
    await page.evaluate('annul.hydrate()')
    await page.evaluate(`annul.session.login(${JSON.stringify({ email, password })}).then(() => {})`)
    await page.waitForSelector('#user')
    return { account, page }
  }
  const shows = (page: Page, text: string) =>
    page.waitForFunction(`document.getElementById('root').textContent === ${JSON.stringify(text)}`)
  const expectNoComplaint = async (page: Page) => {
    expect(await page.evaluate('annul.recovered')).toEqual([])
    expect(written).toEqual([])
  }

  it('hydrates as the server has rendered, and then shows what is known', async () => {
    const page = await openFirst()
    expect(await page.textContent('#root')).toBe('restoring 0List')
    // The session knows more than the server knew, before the first render.
    await page.evaluate('annul.session.ready')
    expect(await page.evaluate('annul.session.state.status')).toBe('signedOut')
    await page.evaluate('annul.hydrate()')
    await shows(page, 'signedOut 0Signed out: nullList')
    expect(await page.evaluate('annul.notes.returned[0].status')).toBe('restoring')
    await expectNoComplaint(page)
  })

  it('follows a login, a logout in another tab, and a login after it', async () => {
    const { account, page } = await signIn()
    await shows(page, `signedIn 0${account.email}For membersList`)
    const second = await open()
    await second.evaluate('annul.session.ready.then(() => annul.hydrate())')
    await shows(second, `signedIn 0${account.email}For membersList`)

    await second.evaluate('annul.session.logout()')
    for (const tab of [page, second]) await shows(tab, 'signedOut 0Signed out: LOGGED_OUTList')
    const { email, password } = account
    await page.evaluate(`annul.session.login(${JSON.stringify({ email, password })}).then(() => {})`)
    await shows(page, `signedIn 0${email}For membersList`)
    await expectNoComplaint(page)
  })

  it('tells the reason when the session is revoked from elsewhere', async () => {
    const { account, page } = await signIn()
    const revoked = await server.send('mutation { revokeOtherSessions { accessToken } }', {
      token: account.accessToken,
    })
    expect(revoked.errors).toBeUndefined()
    await page.evaluate('annul.session.refresh()')
    await shows(page, 'signedOut 0Signed out: SESSIONS_REVOKEDList')
    await expectNoComplaint(page)
  })

  it('returns the same object until the state changes', async () => {
    const { page } = await signIn()
    await page.evaluate('annul.notes.returned.length = 0')
    await page.click('#status')
    await page.waitForFunction("document.getElementById('status').textContent === 'signedIn 1'")
    // New tokens for the same user: no change.
    await page.evaluate('annul.session.refresh()')
    await page.click('#status')
    await page.waitForFunction("document.getElementById('status').textContent === 'signedIn 2'")
    expect(await page.evaluate('annul.notes.returned.length')).toBeGreaterThanOrEqual(2)
    expect(await page.evaluate('new Set(annul.notes.returned).size')).toBe(1)
    expect(await page.evaluate('annul.notes.returned[0].session === annul.session')).toBe(true)
    await expectNoComplaint(page)
  })

  it('ends its subscription with its component', async () => {
    const { page } = await signIn()
    // One for each component that asks: the status, two for members, one for everybody else.
    expect(await page.evaluate('annul.subscriptions()')).toBe(4)
    await page.evaluate('annul.unmount()')
    expect(await page.evaluate('annul.subscriptions()')).toBe(0)
    await page.evaluate('annul.session.logout()')
    await expectNoComplaint(page)
  })

  it('shows one state in all components of a commit, when the state changes in the middle of a render', async () => {
    const { page } = await signIn()
    await page.click('#list')
    await page.waitForSelector('#rows')
    expect(await page.textContent('#rows')).toBe('signedOutsignedOutsignedOut')
    expect(await page.evaluate('annul.notes.committed.length')).toBeGreaterThanOrEqual(3)
    expect(await page.evaluate('[...new Set(annul.notes.committed)]')).toEqual(['signedOut'])
    await expectNoComplaint(page)
  })
})
