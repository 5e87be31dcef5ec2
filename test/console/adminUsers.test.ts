import { randomBytes } from 'node:crypto'
import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'
import { expectFitForAll, openAsAdmin, tabTo } from '../support/consoleAdmin.ts'

describeInChromium('The list of users', () => {
  const console = useConsole()
  const { server } = console

  const row = (page: Awaited<ReturnType<typeof openAsAdmin>>['page'], email: string) =>
    page.getByRole('row').filter({ hasText: email })

  it('shows e-mail, status and roles, and leads to a user by keyboard', async () => {
    const [blocked, verified] = [await server.signUp(), await server.signUp()]
    await server.rows(sql`update annul.users set status = 'BLOCKED' where id = ${blocked.userId}`)
    await server.rows(
      sql`update annul.users set roles = '{editor,support}', email_verified = true where id = ${verified.userId}`,
    )
    const { page, admin } = await openAsAdmin(console, '/admin')
    await row(page, admin.email).getByText('admin', { exact: true }).waitFor()
    expect(await row(page, blocked.email).innerText()).toMatch(/not verified\s+blocked/)
    expect(await row(page, verified.email).innerText()).toMatch(/ verified\s+active\s+editor support\s+/)
    await expectFitForAll(page)

    await page.getByRole('link', { name: 'Users' }).focus()
    await tabTo(page, verified.email)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: verified.email }).waitFor()
    expect(new URL(page.url()).hash).toBe(`#/admin/users/${verified.userId}`)
  })

  it('is searched a moment after the last key, and says so when it finds nobody', async () => {
    const name = `needle${randomBytes(4).toString('hex')}`
    const [found, other] = [await server.signUp(), await server.signUp()]
    await server.rows(
      sql`update annul.users set email = ${`${name}@example.com`}, email_key = ${`${name}@example.com`} where id = ${found.userId}`,
    )
    const { page } = await openAsAdmin(console, '/admin/users')
    await row(page, other.email).waitFor()
    const searches: unknown[] = []
    page.on('request', request => {
      const body = request.method() === 'POST' ? request.postDataJSON() : undefined
      if (body?.query.includes('users(')) searches.push(body.variables.search)
    })
    await page.getByRole('searchbox', { name: 'Search by e-mail' }).pressSequentially(name.toUpperCase())
    await page.getByText('1 user on this page.').waitFor()
    expect(await page.getByRole('row').count()).toBe(2)
    await row(page, `${name}@example.com`).waitFor()
    // One for the whole word, unless the machine was so slow that it paused within.
    expect(searches.length).toBeLessThan(name.length)
    expect(searches.at(-1)).toBe(name.toUpperCase())

    await page.getByRole('searchbox').fill(`${name}%_`)
    await page.getByText(`No user’s e-mail contains “${name}%_”.`).waitFor()
    await expectFitForAll(page)
    await page.getByRole('searchbox').fill(name)
    await page.getByRole('link', { name: `${name}@example.com` }).click()
    await page.getByRole('link', { name: 'All users' }).click()
    await page.getByText('1 user on this page.').waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe(name)
  })

  it('is read page by page', async () => {
    const mark = `page${randomBytes(4).toString('hex')}`
    for (let number = 0; number < 60; number++) {
      const email = `${mark}-${number}@example.com`
      await server.rows(sql`
        insert into annul.users (id, email, email_key, created_at)
        values (gen_random_uuid(), ${email}, ${email}, now() + ${number} * interval '1 second')`)
    }
    const { page } = await openAsAdmin(console, '/admin/users')
    await page.getByRole('searchbox').fill(mark)
    const shown = async (number: number, count: number) => {
      await page.getByText(`Page ${number}`).waitFor()
      await page.getByText(`${count} users on this page.`).waitFor()
      return page.getByRole('link', { name: mark }).allInnerTexts()
    }
    // The first of those that were found, in place of the first of all.
    await page
      .getByRole('row')
      .nth(1)
      .filter({ hasText: `${mark}-0@` })
      .waitFor()
    const [previous, next] = ['Previous page', 'Next page'].map(name => page.getByRole('button', { name }))
    const first = await shown(1, 25)
    await page.getByRole('button', { name: 'Next page' }).press('Enter')
    const second = await shown(2, 25)
    await page.getByRole('button', { name: 'Next page' }).press('Enter')
    const third = await shown(3, 10)
    expect([...first, ...second, ...third]).toEqual(
      Array.from({ length: 60 }, (_, number) => `${mark}-${number}@example.com`),
    )
    // At the end: the button keeps the focus, and leads nowhere.
    expect(await next?.getAttribute('aria-disabled')).toBe('true')
    expect(await next?.evaluate(button => button === document.activeElement)).toBe(true)
    await previous?.press('Enter')
    expect(await shown(2, 25)).toEqual(second)
    await previous?.press('Enter')
    expect(await shown(1, 25)).toEqual(first)
    await expectFitForAll(page)
  })
})
