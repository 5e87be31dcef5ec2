import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import postgres from 'postgres'
import { type Client, createClient } from '../test/support/client.ts'
import { startCluster } from '../test/support/cluster.ts'
import { openExample, run, show } from '../test/support/explore.ts'
import { root } from '../test/support/imports.ts'
import { startPostgres } from '../test/support/postgres.js'

/*
 * Takes the pictures of the console for the README and docs/: `npm run screenshots`. Three nodes, two services
 * with a verifier, accounts and revocations are real.
 */

const folder = join(root, 'docs/images')
const adminEmail = 'ada@example.com'
const password = 'correct horse battery staple'
const devices = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
]
const names = [
  'ada',
  'barbara',
  'donald',
  'edsger',
  'frances',
  'grace',
  'john',
  'katherine',
  'leslie',
  'margaret',
]

const wide: BrowserContextOptions = { viewport: { width: 1280, height: 860 } }
const tall: BrowserContextOptions = { viewport: { width: 1280, height: 1320 } }
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }
const looks = { light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' } } as const

interface Shot {
  readonly file: string
  /** In the console. */
  readonly place: string
  readonly options: BrowserContextOptions
  /** What the person does there. */
  readonly act?: (page: Page) => Promise<unknown>
}

/** Runs the example of a field, and looks at the session again. */
async function runExample(page: Page): Promise<void> {
  await show(page, 'Examples')
  await openExample(page, 'sessions')
  await show(page, 'Session')
  await run(page)
}

/** Shows the key of an authenticator app. It is not added, so the next picture signs in as this one. */
async function addApp(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Add an authenticator app' }).click()
  await page.getByRole('img', { name: 'QR code' }).waitFor()
}

const shots: readonly Shot[] = [
  { file: 'nodes-light', place: '/admin/nodes', options: { ...tall, ...looks.light } },
  { file: 'nodes-dark', place: '/admin/nodes', options: { ...tall, ...looks.dark } },
  { file: 'nodes-phone', place: '/admin/nodes', options: { ...phone, ...looks.light } },
  { file: 'users-light', place: '/admin/users', options: { ...wide, ...looks.light } },
  { file: 'explore-light', place: '/explore', options: { ...wide, ...looks.light }, act: runExample },
  { file: 'explore-dark', place: '/explore', options: { ...wide, ...looks.dark }, act: runExample },
  { file: 'factors-light', place: '/account/factors', options: { ...wide, ...looks.light }, act: addApp },
  { file: 'account-light', place: '/account/sessions', options: { ...wide, ...looks.light } },
  { file: 'account-phone', place: '/account/sessions', options: { ...phone, ...looks.dark } },
]

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const database = await startPostgres()
  const databaseUrl = database.urlOf('screenshots')
  await database.createDatabase('screenshots')
  const env = { HOST: 'localhost', ANNUL_CONSOLE: 'on', ANNUL_INTROSPECTION: 'on' }
  const cluster = await startCluster({ databaseUrl, nodes: 3, leaseMs: 2000, env })
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    await cluster.startVerifier()
    await cluster.startVerifier()
    const clients = cluster.nodes.map(({ url }) => createClient(url))
    await fill(clients, databaseUrl)
    for (const shot of shots) await shoot(browser, cluster.nodes[0]?.url ?? '', shot)
  } finally {
    await browser.close()
    await cluster.close()
    await database.stop()
  }
}

/** Accounts on several devices, some of which sign out. The first one is an admin's. */
async function fill(nodes: readonly Client[], databaseUrl: string): Promise<void> {
  const [first] = nodes
  if (first === undefined) throw new Error('There is no node.')
  const sign = async (field: 'login' | 'register', email: string, device = '') => {
    const type = field === 'login' ? 'LoginInput' : 'RegisterInput'
    const { data } = await first.send<Record<string, { accessToken: string }>>(
      `mutation ($input: ${type}!) { ${field}(input: $input) { accessToken } }`,
      { variables: { input: { email, password } }, headers: { 'user-agent': device } },
    )
    return data?.[field]?.accessToken ?? ''
  }
  for (const [at, name] of names.entries()) {
    const email = `${name}@example.com`
    await sign('register', email, devices[at % devices.length])
    for (const [times, device] of devices.entries()) {
      const token = await sign('login', email, device)
      if (at % 2 === 0 || times > 0) await nodes[times % nodes.length]?.send('mutation { logout }', { token })
    }
  }
  for (const device of devices.slice(1)) await sign('login', adminEmail, device)
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`update annul.users set roles = '{admin}' where email = ${adminEmail}`
  await sql.end()
}

async function shoot(browser: Browser, url: string, shot: Shot): Promise<void> {
  const context = await browser.newContext({ ...shot.options, userAgent: devices[0] ?? '' })
  const page = await context.newPage()
  await page.goto(`${url}/#/sign-in`)
  await page.getByLabel('E-mail address').fill(adminEmail)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).waitFor()
  await page.goto(`${url}/#${shot.place}`)
  await page.getByRole('main').getByRole('heading', { level: 1 }).first().waitFor()
  await shot.act?.(page)
  // Charts and bars fill up.
  await page.waitForTimeout(4000)
  await page.screenshot({ path: join(folder, `${shot.file}.png`) })
  console.log(`docs/images/${shot.file}.png`)
  await context.close()
}

await main()
