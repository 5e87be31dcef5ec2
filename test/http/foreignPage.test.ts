import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Browser, chromium, type Page } from 'playwright-core'
import { startPageServer } from '../client/browser/pageServer.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/* What a real browser makes of it. Without Debian's chromium these are listed as skipped. */

const executablePath = '/usr/bin/chromium'
const inBrowser = existsSync(executablePath) ? describe : describe.skip

inBrowser('in Chromium', () => {
  let pages: Awaited<ReturnType<typeof startPageServer>>
  let server: TestServer
  let browser: Browser

  beforeAll(async () => {
    pages = await startPageServer()
    server = await startTestServer({ env: { HOST: 'localhost', ANNUL_CONSOLE: 'off' } })
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await pages?.close()
  })

  const open = async (url: string): Promise<Page> => {
    const page = await browser.newPage()
    await page.goto(url)
    return page
  }
  const send = (page: Page, credentials: string) =>
    page.evaluate(`fetch('${server.url}/graphql', {
      method: 'POST',
      credentials: '${credentials}',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{__typename}"}',
    }).then(async response => [response.status, await response.json()], error => error.name)`)

  it('a foreign page reads which setting is missing, and with credentials nothing', async () => {
    const page = await open(pages.url)
    for (const credentials of ['omit', 'same-origin']) {
      const [status, body] = (await send(page, credentials)) as [number, { errors: { message: string }[] }]
      expect({ status, code: body }).toMatchObject({
        status: 403,
        code: { errors: [{ extensions: { code: 'ORIGIN_NOT_ALLOWED' } }] },
      })
      expect(body.errors[0]?.message).toContain('ANNUL_ALLOWED_ORIGINS')
    }
    expect(await send(page, 'include')).toBe('TypeError')
  })

  it('a foreign page reads the keys, and no metrics', async () => {
    const page = await open(pages.url)
    const read = (path: string) =>
      page.evaluate(`fetch('${server.url}${path}').then(({ status }) => status, error => error.name)`)
    expect(await read('/.well-known/jwks.json')).toBe(200)
    expect(await read('/metrics')).toBe('TypeError')
  })

  it('the server’s plain page is styled, and asks for nothing else', async () => {
    const page = await browser.newPage()
    const asked: string[] = []
    const complaints: string[] = []
    page.on('request', request => asked.push(request.url()))
    page.on('console', message => complaints.push(message.text()))
    await page.goto(`${server.url}/graphql`)
    expect(await page.title()).toBe('Annul')
    expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).not.toBe('none')
    expect(asked.filter(url => !url.endsWith('/favicon.ico'))).toEqual([`${server.url}/graphql`])
    expect(complaints.filter(text => !text.includes('favicon'))).toEqual([])
    // Its own scripts it may not run, should somebody smuggle one in.
    await expect(
      page.evaluate(`new Promise((resolve, reject) => {
      const script = document.createElement('script')
      script.textContent = 'window.smuggled = true'
      document.body.append(script)
      window.smuggled ? resolve() : reject(new Error('The policy holds.'))
    })`),
    ).rejects.toThrow('The policy holds.')
  })
})
