import { expect, it } from '@jest/globals'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'
import { answerThat, openExample, run, show, textOf, tokenChanges, write } from '../support/explore.ts'

const extension = {
  typeDefs: `
    extend type Query {
      "The books that the <img src=x onerror=alert(1)> shop has."
      books(first: Int! = 3, author: String): [String!]! @auth(roles: ["<b>clerk</b>", "owner"], scopes: [["read", "list"]])
      hours: String!
    }`,
  resolvers: { Query: { books: () => ['one'], hours: () => '9 to 5' } },
}

describeInChromium('GraphiQL in the console', () => {
  const { server, open } = useConsole({ extension })

  it('has an example for the fields of the contract and of the app, each with what guards it', async () => {
    const account = await server.signUp()
    const page = await open('/sign-in')
    await signIn(page, account)
    await page.getByRole('link', { name: 'Explore', exact: true }).first().click()
    await show(page, 'Examples')
    const panel = page.getByRole('region', { name: 'Examples' })
    await panel.getByText('role <b>clerk</b> or owner, scope read + list').waitFor()
    const names = await panel.getByRole('heading', { level: 3 }).allInnerTexts()
    expect(names.slice(0, 2)).toEqual(['This app', 'Sign in'])
    expect(await panel.getByRole('listitem').filter({ hasText: 'hours' }).innerText()).toContain('Anyone')
    await expectAccessible(page)

    await openExample(page, 'me')
    expect(await run(page, text => text.includes(account.email))).toContain(account.userId)
    await openExample(page, 'books')
    expect(await textOf(page, 'operation')).toBe(
      'query Books($first: Int! = 3, $author: String) {\n  books(first: $first, author: $author)\n}\n',
    )
    await panel.getByLabel('Find a field').fill('nothing of this kind')
    await panel.getByText('No field has this in its name.').waitFor()
    await expectAccessible(page)
  })

  it('opens an example that was chosen before the editors were there, once they are', async () => {
    const page = await open('/')
    let letEditorsCome = () => {}
    const mayCome = new Promise<void>(resolve => {
      letEditorsCome = resolve
    })
    await page.route(/monaco-editor.*[.]js/, async route => {
      await mayCome
      await route.continue()
    })
    await page.goto(`${server.url}/#/explore`)
    await show(page, 'Examples')
    await page.getByRole('button', { name: /^hours / }).click()
    expect(await page.getByRole('textbox', { name: 'Operation' }).count()).toBe(0)
    letEditorsCome()
    await page.getByRole('button', { name: 'Hours', exact: true }).waitFor()
    expect(await run(page)).toContain('9 to 5')
    expect(await page.locator('.graphiql-tab-button').allInnerTexts()).toEqual(['Hours'])
  })

  it('explains the errors of an answer by code, reason and what to do, with a link into the docs', async () => {
    const account = await server.signUp()
    const page = await open('/explore')
    await show(page, 'Examples')
    await openExample(page, 'me')
    await run(page, text => text.includes('TOKEN_MISSING'))
    const explained = page.getByRole('region', { name: 'The answer’s errors, explained' })
    await explained.getByText('Sign in again.').waitFor()
    const link = explained.getByRole('link', { name: 'UNAUTHENTICATED' })
    expect(await link.getAttribute('href')).toBe('#/docs/errors/UNAUTHENTICATED')
    await expectAccessible(page)

    await show(page, 'Session')
    await signIn(page, account)
    await show(page, 'Examples')
    await openExample(page, 'books')
    await run(page, text => text.includes('FORBIDDEN'))
    await explained.getByText('role <b>clerk</b> or owner').waitFor()
    await write(page, '{ nonsense }')
    await run(page, text => text.includes('nonsense'))
    await explained.getByText('The operation does not fit the schema').waitFor()
    await expectAccessible(page)
  })

  it('asks for the password where a field wants a recent proof, and then the field answers', async () => {
    const account = await server.signUp()
    const page = await open('/sign-in')
    await signIn(page, account)
    await page.getByRole('link', { name: 'Explore', exact: true }).first().click()
    await server.rows(
      (await import('drizzle-orm')).sql`update annul.sessions set auth_time = auth_time - interval '1 hour'`,
    )
    await page.getByRole('button', { name: 'Refresh now' }).click()
    const newest = tokenChanges(page).first()
    await newest.getByText('Refreshed: you asked for it.').waitFor()
    await newest.getByText(/^Changed: .*auth_time/).waitFor()
    await write(page, 'mutation { changeEmail(input: {email: "new-address@example.com"}) { id } }')
    await run(page, text => text.includes('REAUTHENTICATION_REQUIRED'))
    await page.getByRole('button', { name: 'Confirm your password' }).click()
    const dialog = page.getByRole('dialog', { name: 'Is it you?' })
    await dialog.getByLabel('Your password').fill(account.password)
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await run(page, text => text.includes('changeEmail": {'))).toContain(account.userId)
  })

  it('shows what guards a field beside the field in the docs', async () => {
    const page = await open('/explore')
    await show(page, 'Documentation Explorer')
    await page.getByRole('link', { name: 'Mutation', exact: true }).click()
    const docs = page.getByRole('region', { name: 'Documentation Explorer' })
    const item = docs.locator('.graphiql-doc-explorer-item').filter({ hasText: 'recoverAccount' })
    await item.getByText('Signed in, role admin, proof of the last 300 s').waitFor()
    expect(new URL(page.url()).hash).toBe('#/explore')
    await expectAccessible(page)
    await docs.getByRole('link', { name: 'recoverAccount' }).click()
    await docs.getByText('Signed in, role admin, proof of the last 300 s').waitFor()
    await expectAccessible(page)
  })

  it('follows a subscription over the socket, and ends it on demand', async () => {
    const account = await server.signUp()
    const page = await open('/sign-in')
    // The page has one socket, from the sign-in on.
    const opened = page.waitForEvent('websocket')
    await signIn(page, account)
    const socket = await opened
    await page.getByRole('link', { name: 'Explore', exact: true }).first().click()
    await show(page, 'Examples')
    await openExample(page, 'sessionEvents')
    const subscribed = socket.waitForEvent('framesent', ({ payload }) =>
      String(payload).includes('"operationName":"SessionEvents"'),
    )
    const running = run(page, text => text.includes('OPENED'))
    await subscribed
    await page.getByText('Subscribed. Each event is shown as it comes.').waitFor()
    await expectAccessible(page)
    // The server takes part from the moment in which it has read the frame: an event of an earlier moment is not shown.
    let isOver = false
    const signingIn = (async () => {
      while (!isOver) await server.login(account)
    })()
    expect(await running).toContain('"current": false')
    isOver = true
    await signingIn
    const ended = socket.waitForEvent('framesent', ({ payload }) => String(payload).includes('"complete"'))
    await page.getByRole('button', { name: 'Stop query' }).click()
    await ended
  })

  it('is used by keyboard alone: Tab leads through the editors and out of them', async () => {
    const page = await open('/explore')
    await write(page, '{ hours }')
    const seen = new Set<string>()
    for (let step = 0; step < 25; step++) {
      await page.keyboard.press('Tab')
      seen.add(
        await page.evaluate(() => {
          const element = (globalThis as unknown as { document: { activeElement: HTMLLike } }).document
            .activeElement
          interface HTMLLike {
            getAttribute(name: string): string | null
            innerText: string
          }
          return element.getAttribute('aria-label') ?? element.innerText
        }),
      )
    }
    expect([...seen]).toEqual(expect.arrayContaining(['Execute query (Ctrl-Enter)', 'Variables']))
    expect(await run(page)).toContain('9 to 5')
    expect(await textOf(page, 'operation')).toBe('{ hours }')
  })

  it('keeps no operation, variable, header or answer in the browser', async () => {
    const account = await server.signUp()
    const page = await open('/explore')
    await write(
      page,
      `mutation { login(input: {email: "${account.email}", password: "${account.password}"}) { accessToken refreshToken } }`,
    )
    const { accessToken, refreshToken } = JSON.parse(await run(page, text => text.includes('accessToken')))
      .data.login
    // GraphiQL saves half a second after the last change.
    await page.waitForTimeout(1500)
    const kept = await page.evaluate(() => {
      const { localStorage, sessionStorage, document } = globalThis as unknown as Record<
        'localStorage' | 'sessionStorage',
        object
      > & { document: { cookie: string } }
      return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])
    })
    for (const secret of [account.password, accessToken, refreshToken, 'mutation', 'query'])
      expect(kept).not.toContain(secret)
    await page.reload()
    await page.getByRole('textbox', { name: 'Operation' }).waitFor()
    expect(await textOf(page, 'operation')).toBe('')
  })

  it('says so when the server can not be reached', async () => {
    const page = await open('/explore')
    await write(page, '{ hours }')
    expect(await run(page)).toContain('9 to 5')
    await page.route('**/graphql', route => route.abort())
    // A query is tried again for a while; a mutation is not.
    await write(page, 'mutation { logout }')
    await run(page, text => text.includes('UNREACHABLE'))
    await page
      .getByRole('region', { name: /explained/ })
      .getByText('The server can not be reached.')
      .waitFor()
    await page.getByText('Nobody is signed out.').waitFor()
    await expectAccessible(page)
    await page.unroute('**/graphql')
    await page.getByText('Nobody is signed out.').waitFor({ state: 'detached' })
    await answerThat(page, text => text.includes('UNREACHABLE'))
  })

  it('fits a phone and a dark system, and follows the system when its colours change', async () => {
    const page = await open('/explore', { viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
    for (const panel of ['Examples', 'Documentation Explorer', 'Session'] as const) {
      await show(page, panel)
      if (panel === 'Examples') await openExample(page, 'hours')
      expect(
        await page.evaluate(
          () =>
            (globalThis as unknown as { document: { documentElement: { scrollWidth: number } } }).document
              .documentElement.scrollWidth,
        ),
      ).toBe(360)
      await expectAccessible(page)
    }
    expect(await run(page)).toContain('9 to 5')
    expect(await page.locator('.monaco-editor').first().getAttribute('class')).toContain('vs-dark')
    await page.emulateMedia({ colorScheme: 'light' })
    await page.locator('.monaco-editor.vs').first().waitFor()
    await expectAccessible(page)
  })

  it('has accessible dialogs of its own and of GraphiQL', async () => {
    const page = await open('/explore')
    for (const name of ['Open short keys dialog', 'Open settings dialog']) {
      await page.getByRole('button', { name }).click()
      await page.getByRole('dialog').waitFor()
      await expectAccessible(page)
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
  })
})

describeInChromium('GraphiQL in the console of a server that does not tell its schema', () => {
  const { open } = useConsole({ env: { ANNUL_INTROSPECTION: 'off' } })

  it('says so, tells no guards, and still sends operations', async () => {
    const page = await open('/explore')
    await show(page, 'Examples')
    await page.getByText('This server does not tell its schema').waitFor()
    await expectAccessible(page)
    await write(page, '{ me { id } }')
    await run(page, text => text.includes('TOKEN_MISSING'))
  })
})
