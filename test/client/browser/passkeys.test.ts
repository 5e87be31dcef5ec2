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
import { until } from '../support.ts'
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
const { credentials } = navigator
const get = credentials.get.bind(credentials)
credentials.get = options => {
  annul.waits++
  return get(options)
}
window.annul = {
  waits: 0, session, questions, ask, answerWithPasskey, createPasskey, signInWithPasskey }
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

  /**
   * A page of a new profile that has an authenticator. The account is signed in by its password.
   *
   * @returns `doNothing`: from then on nobody touches the authenticator
   */
  async function open(account: Account) {
    context = await browser.newContext()
    const page = await context.newPage()
    const devtools = await context.newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
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
    const doNothing = () =>
      devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false })
    return { page, doNothing }
  }
  const recoveryCodes = Array(10).fill(expect.stringMatching(/^(\w{4}-){3}\w{4}$/))
  const login = (page: Page, { email, password }: Account) =>
    page.evaluate(`annul.session.login(${JSON.stringify({ email, password })})`)
  const amrs = ({ userId }: Account) =>
    server.rows<{ amr: string }>(
      sql`select amr::text from annul.sessions where user_id = ${userId} order by created_at desc limit 1`,
    )

  /** Offers passkeys in the form, until `annul.leaving` aborts. `annul.waiting` then has the name of the error. */
  const offerPasskeys = (page: Page) =>
    page.evaluate(`(() => {
      const leaving = new AbortController()
      const options = { autofill: true, signal: leaving.signal }
      const waiting = annul.signInWithPasskey(annul.session, options).catch(error => error.name)
      Object.assign(annul, { leaving, waiting })
    })()`)

  it('are made, answer for a second factor and for a proof, and sign in alone', async () => {
    const account = await server.signUp()
    const { page } = await open(account)
    const created = await page.evaluate(`annul.createPasskey(annul.session, { name: 'My phone' })`)
    expect(created).toMatchObject({
      factor: { id: expect.any(String), kind: 'PASSKEY', name: 'My phone', lastUsedAt: null },
      recoveryCodes,
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
    expect(renewed).toMatchObject({ data: { makeRecoveryCodes: recoveryCodes } })
    expect(await page.evaluate('annul.questions.splice(0)')).toMatchObject([{ maxAge: 300 }])

    await page.evaluate('annul.session.logout()')
    const user = await page.evaluate('annul.signInWithPasskey(annul.session)')
    expect(user).toMatchObject({ id: account.userId, email: account.email })
    expect(await amrs(account)).toEqual([{ amr: expect.stringMatching(/^\{(hwk|swk),user,mfa\}$/) }])
    expect(await page.evaluate('annul.session.state.status')).toBe('signedIn')
  })

  it('sign in from the autofill of a form', async () => {
    const account = await server.signUp()
    const { page } = await open(account)
    await page.evaluate('annul.createPasskey(annul.session)')
    await page.evaluate('annul.session.logout()')
    const user = await page.evaluate('annul.signInWithPasskey(annul.session, { autofill: true })')
    expect(user).toMatchObject({ id: account.userId })
  })

  it('are offered by a fresh challenge while a form is open, and no longer when it is left', async () => {
    const account = await server.signUp()
    const { page, doNothing } = await open(account)
    await page.evaluate('annul.createPasskey(annul.session)')
    await page.evaluate('annul.session.logout()')
    await doNothing()
    let begun = 0
    page.on('response', response => {
      if (response.request().postData()?.includes('beginPasskeyLogin')) begun++
    })
    await page.clock.install()
    await offerPasskeys(page)
    for (const expected of [1, 2, 3]) {
      await until(() => begun === expected)
      // The answer has arrived, and the browser waits for the user.
      await page.waitForFunction(`annul.waits === ${expected}`)
      await page.clock.fastForward(4 * 60_000)
    }
    await until(() => begun === 4)
    await page.evaluate('annul.leaving.abort()')
    expect(await page.evaluate('annul.waiting')).toBe('AbortError')
    expect(await page.evaluate('annul.session.state.status')).toBe('signedOut')
  })

  it('are offered no longer when the form is left while the browser still says whether it has autofill', async () => {
    const account = await server.signUp()
    const { page, doNothing } = await open(account)
    await page.evaluate('annul.createPasskey(annul.session)')
    await page.evaluate('annul.session.logout()')
    await doNothing()
    await page.evaluate(`(() => {
      const isAvailable = PublicKeyCredential.isConditionalMediationAvailable.bind(PublicKeyCredential)
      PublicKeyCredential.isConditionalMediationAvailable = async () => {
        await new Promise(resolve => Object.assign(annul, { letItSay: resolve }))
        return isAvailable()
      }
    })()`)
    await offerPasskeys(page)
    await page.waitForFunction('annul.letItSay')
    await page.evaluate('annul.leaving.abort()')
    await page.evaluate('annul.letItSay()')
    const late = `new Promise(resolve => setTimeout(resolve, 20_000, 'still waiting'))`
    expect(await page.evaluate(`Promise.race([annul.waiting, ${late}])`)).toBe('AbortError')
  })
})
