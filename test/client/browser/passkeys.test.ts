import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import type { Account } from '../../support/client.ts'
import { temporaryDirectory } from '../../support/database.ts'
import { root } from '../../support/imports.ts'
import { useServer } from '../../support/server.ts'
import { describeInChromium, useBrowser } from './chromium.ts'
import { startFileServer } from './fileServer.ts'

/* annul/client/passkeys in a real browser, with Chromium's virtual authenticator, against a real node. */

const main = /* TypeScript */ `
import { createSession } from './src/client/index.ts'
import { answerWithPasskey, createPasskey, signInWithPasskey } from './src/client/passkeys.ts'

const endpoint = new URLSearchParams(location.search).get('endpoint')
const questions = []
const session = createSession({
  endpoint,
  onFactor: ({ challenge, methods }) => {
    questions.push(methods.join())
    return answerWithPasskey(session, { challenge })
  },
  onStepUp: ({ maxAge, mfa }) => {
    questions.push({ maxAge, mfa })
    return answerWithPasskey(session)
  },
})
const ask = async query => {
  const headers = { 'content-type': 'application/json' }
  const response = await session.fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query }) })
  return response.json()
}
window.annul = { session, questions, ask, answerWithPasskey, createPasskey, signInWithPasskey }
`

describeInChromium('in Chromium, passkeys', () => {
  let pages: Awaited<ReturnType<typeof startFileServer>>
  const browser = useBrowser()
  let context: BrowserContext

  const server = useServer(async () => {
    const folder = await temporaryDirectory()
    const stdin = { contents: main, resolveDir: root }
    await build({ stdin, bundle: true, format: 'esm', outfile: join(folder, 'main.js'), logLevel: 'silent' })
    await writeFile(
      join(folder, 'index.html'),
      `<!doctype html><title>Passkeys</title><link rel="icon" href="data:,">
      <input autocomplete="username webauthn"><script type="module" src="/main.js"></script>`,
    )
    pages = await startFileServer(folder)
    return { env: { HOST: 'localhost', ANNUL_ALLOWED_ORIGINS: pages.url } }
  })
  afterAll(() => pages?.close())
  afterEach(() => context?.close())

  /** A page of a new profile that has an authenticator. The account is signed in by its password. */
  async function open(account: Account) {
    context = await browser.newContext()
    const page = await context.newPage()
    const devtools = await context.newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await page.goto(`${pages.url}/?endpoint=${encodeURIComponent(`${server.url}/graphql`)}`)
    await page.waitForFunction('window.annul')
    await login(page, account)
    return page
  }
  const login = (page: Page, { email, password }: Account) =>
    page.evaluate(`annul.session.login(${JSON.stringify({ email, password })})`)
  const amrs = ({ userId }: Account) =>
    server.rows<{ amr: string }>(
      sql`select amr::text from annul.sessions where user_id = ${userId} order by created_at desc limit 1`,
    )

  it('are made, answer for a second factor and for a proof, and sign in alone', async () => {
    const account = await server.signUp()
    const page = await open(account)
    const created = await page.evaluate(`annul.createPasskey(annul.session, { name: 'My phone' })`)
    expect(created).toMatchObject({
      factor: { id: expect.any(String), kind: 'PASSKEY', name: 'My phone', lastUsedAt: null },
      recoveryCodes: expect.objectContaining({ length: 10 }),
    })

    await page.evaluate('annul.session.logout()')
    await expect(login(page, account)).resolves.toMatchObject({ id: account.userId })
    expect(await page.evaluate('annul.questions.splice(0)')).toEqual(['PASSKEY,RECOVERY_CODE'])
    expect(await amrs(account)).toEqual([{ amr: expect.stringMatching(/^\{pwd,(hwk|swk),user,mfa\}$/) }])

    await server.rows(
      sql`update annul.sessions set auth_time = auth_time - interval '1 hour' where user_id = ${account.userId}`,
    )
    await page.evaluate('annul.session.refresh()')
    const renewed = await page.evaluate(`annul.ask('mutation { makeRecoveryCodes }')`)
    expect(renewed).toEqual({ data: { makeRecoveryCodes: expect.objectContaining({ length: 10 }) } })
    expect(await page.evaluate('annul.questions.splice(0)')).toMatchObject([{ maxAge: 300 }])

    await page.evaluate('annul.session.logout()')
    const user = await page.evaluate('annul.signInWithPasskey(annul.session)')
    expect(user).toMatchObject({ id: account.userId, email: account.email })
    expect(await amrs(account)).toEqual([{ amr: expect.stringMatching(/^\{(hwk|swk),user,mfa\}$/) }])
    expect(await page.evaluate('annul.session.state.status')).toBe('signedIn')
  })

  it('sign in from the autofill of a form', async () => {
    const account = await server.signUp()
    const page = await open(account)
    await page.evaluate('annul.createPasskey(annul.session)')
    await page.evaluate('annul.session.logout()')
    const user = await page.evaluate('annul.signInWithPasskey(annul.session, { autofill: true })')
    expect(user).toMatchObject({ id: account.userId })
  })

  it('are not waited for any longer when the form is left', async () => {
    const account = await server.signUp()
    const page = await open(account)
    await page.evaluate('annul.session.logout()')
    const name = await page.evaluate(`(async () => {
      const leaving = new AbortController()
      const options = { autofill: true, signal: leaving.signal }
      const waiting = annul.signInWithPasskey(annul.session, options).catch(error => error.name)
      await new Promise(resolve => setTimeout(resolve, 500))
      leaving.abort()
      return waiting
    })()`)
    expect(name).toBe('AbortError')
    expect(await page.evaluate('annul.session.state.status')).toBe('signedOut')
  })
})
