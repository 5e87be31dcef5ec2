import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'
import { openExample, run, show, textOf } from '../support/explore.ts'
import { until } from '../support/until.ts'

/* One browser, and then another person: nothing of the first one is done, heard or shown as the second one. */

describeInChromium('When another user signs in', () => {
  const { server, open } = useConsole()

  it('in another window, an open form of the first one is gone, and nothing of it is carried out', async () => {
    const [ada, bob] = [await server.signUp(), await server.signUp()]
    const page = await open('/account')
    await signIn(page, ada)
    await page.getByRole('button', { name: 'Delete my account …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').fill(ada.email)

    const other = await page.context().newPage()
    await other.goto(`${server.url}/#/explore`)
    await other.getByRole('button', { name: 'Sign in as another user' }).click()
    // The first request for the end of the former session is lost on its way.
    let lost = 0
    await other.route('**/graphql', (route, request) =>
      request.postData()?.includes('LogOutAside') && lost++ === 0 ? route.abort() : route.fallback(),
    )
    const panel = other.getByRole('region', { name: 'Session' })
    await panel.getByLabel('E-mail address').fill(bob.email)
    await panel.getByLabel('Password', { exact: true }).fill(bob.password)
    await panel.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.getByRole('banner').getByText(bob.email).waitFor()
    await panel.getByLabel('E-mail address').waitFor({ state: 'detached' })

    await page.bringToFront()
    await page.getByRole('banner').getByText(bob.email).waitFor()
    expect(await dialog.count()).toBe(0)
    expect(await page.getByRole('main').innerText()).not.toContain(ada.email)
    const [left] = await server.rows<{ count: number }>(
      sql`select count(*)::int as count from annul.users where id in (${ada.userId}, ${bob.userId})
        and status = 'ACTIVE'`,
    )
    expect(left?.count).toBe(2)
    // The first one's session in this browser could be ended by nobody: so it has ended.
    // Its end is asked for after the sign-in, and the form may go meanwhile.
    const live = async () => {
      const [row] = await server.rows<{ count: number }>(
        sql`select count(*)::int as count from annul.sessions where user_id = ${ada.userId} and ended_at is null`,
      )
      return row?.count
    }
    expect(await until(live, count => count === 1)).toBe(1)
    expect(lost).toBe(2)
  })

  it('the page opens a socket of the second one, and shows nothing of the first one in Explore', async () => {
    const [ada, bob] = [await server.signUp(), await server.signUp()]
    const page = await open('/explore')
    const inits: string[] = []
    page.on('websocket', socket =>
      socket.on('framesent', ({ payload }) => {
        const [, claims = ''] = /"connection_init".*?eyJ[\w-]+\.(eyJ[\w-]+)\./.exec(String(payload)) ?? []
        if (claims) inits.push(JSON.parse(Buffer.from(claims, 'base64url').toString()).sub)
      }),
    )
    const panel = page.getByRole('region', { name: 'Session' })
    const enter = async ({ email, password }: typeof ada) => {
      await panel.getByLabel('E-mail address').fill(email)
      await panel.getByLabel('Password', { exact: true }).fill(password)
      await panel.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('banner').getByText(email).waitFor()
    }
    await enter(ada)
    await show(page, 'Examples')
    await openExample(page, 'me')
    expect(await run(page)).toContain(ada.email)
    await show(page, 'Session')
    await page.getByRole('button', { name: 'Sign in as another user' }).click()
    await enter(bob)

    await page.waitForFunction(() => !document.body.innerText.includes('Me {'))
    expect(await textOf(page, 'response')).not.toContain(ada.email)
    while (inits.length < 2) await page.waitForTimeout(50)
    expect(inits).toEqual([ada.userId, bob.userId])
  })
})
