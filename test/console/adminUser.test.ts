import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'
import { expectFitForAll, openAsAdmin, tabTo } from '../support/consoleAdmin.ts'
import { presentAccessToken, refusedAccess } from '../support/tokenAnswers.ts'

const ended = /Ended on all nodes (after \d+ ms|in less than 1 ms)\./

describeInChromium('A user, as an admin sees one', () => {
  const console = useConsole()
  const { server } = console

  const openUser = async () => {
    const user = await server.signUp()
    const { page, admin } = await openAsAdmin(console, `/admin/users/${user.userId}`)
    await page.getByRole('heading', { level: 1, name: user.email }).waitFor()
    return { page, admin, user }
  }
  const rowOf = async (userId: string) => {
    const [row] = await server.rows<{ status: string; roles: string[]; scopes: string[] }>(
      sql`select status, to_json(roles) as roles, to_json(scopes) as scopes from annul.users where id = ${userId}`,
    )
    return row
  }
  const dialogOf = (page: Page) => page.getByRole('dialog')

  it('has sessions that end, and the page says when they had ended on all nodes', async () => {
    const { page, user } = await openUser()
    const sessions = page.getByRole('region', { name: 'Live sessions' })
    expect(await sessions.getByRole('row').count()).toBe(2)
    expect(await sessions.innerText()).toContain('127.0.0.1')
    await expectFitForAll(page)

    await page.getByRole('button', { name: 'End all sessions …' }).click()
    const dialog = dialogOf(page)
    expect(await dialog.getByRole('heading').innerText()).toBe(`End all sessions of ${user.email}?`)
    await expectFitForAll(page)
    await dialog.getByRole('button', { name: 'End all sessions' }).click()
    await page.getByText(ended).waitFor()
    await page.getByText('This user is signed in nowhere.').waitFor()
    await page.getByRole('cell', { name: 'revoke-user-sessions' }).waitFor()
    expect(await presentAccessToken(server, user.accessToken)).toEqual(refusedAccess('SESSIONS_REVOKED'))
    await expectFitForAll(page)
  })

  it('is blocked with a reason and unblocked, by keyboard alone', async () => {
    const { page, user } = await openUser()
    await tabTo(page, 'Block …')
    await page.keyboard.press('Enter')
    await dialogOf(page)
      .getByRole('heading', { name: `Block ${user.email}?` })
      .waitFor()
    await tabTo(page, 'Reason')
    await page.keyboard.type('Writes spam')
    await page.keyboard.press('Enter')
    await page.getByText(/^The user is blocked\. Ended on all nodes/).waitFor()
    await page.getByText('blocked', { exact: true }).waitFor()
    expect((await rowOf(user.userId))?.status).toBe('BLOCKED')
    expect(await page.getByRole('row').filter({ hasText: 'block-user' }).innerText()).toContain('Writes spam')

    // The focus is on the same button, which now does the opposite.
    await page.getByRole('button', { name: 'Unblock …' }).waitFor()
    await page.keyboard.press('Enter')
    await dialogOf(page)
      .getByRole('heading', { name: `Unblock ${user.email}?` })
      .waitFor()
    await expectFitForAll(page)
    await tabTo(page, 'Unblock the user')
    await page.keyboard.press('Enter')
    await page.getByText('The user may sign in again.').first().waitFor()
    await page.getByText('active', { exact: true }).waitFor()
    expect((await rowOf(user.userId))?.status).toBe('ACTIVE')
  })

  it('stays as it is when the admin thinks better of it, and the focus goes back', async () => {
    const { page, user } = await openUser()
    const before = await rowOf(user.userId)
    for (const name of ['Block …', 'End all sessions …', 'Recover …', 'Delete …']) {
      await page.getByRole('button', { name }).press('Enter')
      await dialogOf(page).getByText(user.email).waitFor()
      await page.keyboard.press('Escape')
      await dialogOf(page).waitFor({ state: 'detached' })
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name)
      await page.getByRole('button', { name }).click()
      await dialogOf(page).getByRole('button', { name: 'Cancel' }).click()
      await dialogOf(page).waitFor({ state: 'detached' })
    }
    expect(await rowOf(user.userId)).toEqual(before)
    expect(
      await server.rows(sql`select kind from annul.audit_events where user_id = ${user.userId}`),
    ).toEqual([{ kind: 'register' }])
  })

  it('gets other roles and scopes after a look at what changes', async () => {
    const { page, user } = await openUser()
    await page.getByRole('button', { name: 'Change access …' }).click()
    await page.getByText('Nothing was changed.').waitFor()
    await page.getByLabel('Roles').fill(' editor  support editor ')
    await page.getByLabel('Scopes').fill('read:all')
    await page.getByRole('button', { name: 'Change access …' }).click()
    const dialog = dialogOf(page)
    await dialog.getByText(`Change the access of ${user.email}?`).waitFor()
    await dialog.getByText('Given: Roles editor support; Scopes read:all').waitFor()
    await expectFitForAll(page)
    await dialog.getByRole('button', { name: 'Change the access' }).click()
    await page.getByText(/^The access is changed\. Ended on all nodes/).waitFor()
    expect(await rowOf(user.userId)).toMatchObject({ roles: ['editor', 'support'], scopes: ['read:all'] })
    expect(await presentAccessToken(server, user.accessToken)).toEqual(refusedAccess('ACCESS_CHANGED'))

    await page.getByLabel('Roles').fill('support')
    await page.getByRole('button', { name: 'Change access …' }).click()
    await dialog.getByText('Taken away: Roles editor').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    // What was typed is still there.
    expect(await page.getByLabel('Roles').inputValue()).toBe('support')
    await page.getByLabel('Roles').fill('bad"role')
    await page.getByRole('button', { name: 'Change access …' }).click()
    await dialog.getByRole('button', { name: 'Change the access' }).click()
    await dialog.getByText('ACCESS_INVALID').waitFor()
    await expectFitForAll(page)
    expect((await rowOf(user.userId))?.roles).toEqual(['editor', 'support'])
  })

  it('is recovered after a recent proof, and the page goes on with the new id', async () => {
    const { page, admin, user } = await openUser()
    await server.rows(
      sql`update annul.sessions set auth_time = now() - interval '1 hour' where user_id = ${admin.userId}`,
    )
    // The next access token tells that the proof is old.
    await page.reload()
    await page.getByRole('button', { name: 'Recover …' }).click()
    await dialogOf(page)
      .getByRole('heading', { name: `Give ${user.email} back to its owner?` })
      .waitFor()
    await dialogOf(page).getByRole('button', { name: 'Recover the account' }).click()
    const proof = page.getByRole('dialog', { name: 'Is it you?' })
    await proof.waitFor()
    await expectFitForAll(page)
    expect((await rowOf(user.userId))?.status).toBe('ACTIVE')
    await proof.getByLabel('Your password').fill('not the password of the admin')
    await proof.getByRole('button', { name: 'Confirm' }).click()
    await proof.getByText('INVALID_CREDENTIALS').waitFor()
    await proof.getByLabel('Your password').fill(admin.password)
    await proof.getByRole('button', { name: 'Confirm' }).click()

    await page.getByText(/^The account has a new id.*Ended on all nodes/).waitFor()
    const [recovered] = await server.rows<{ id: string }>(
      sql`select id::text from annul.users where email_key = ${user.email}`,
    )
    expect(recovered?.id).not.toBe(user.userId)
    await page.getByText(String(recovered?.id)).waitFor()
    expect(new URL(page.url()).hash).toBe(`#/admin/users/${recovered?.id}`)
    expect(await presentAccessToken(server, user.accessToken)).toEqual(refusedAccess('ACCOUNT_RECOVERED'))
    await page.getByRole('cell', { name: 'recover-account' }).waitFor()
    await expectFitForAll(page)
  })

  it('is not recovered without the proof', async () => {
    const { page, admin, user } = await openUser()
    await server.rows(
      sql`update annul.sessions set auth_time = now() - interval '1 hour' where user_id = ${admin.userId}`,
    )
    await page.reload()
    await page.getByRole('button', { name: 'Recover …' }).click()
    await dialogOf(page).getByRole('button', { name: 'Recover the account' }).click()
    await page.getByRole('dialog', { name: 'Is it you?' }).getByRole('button', { name: 'Cancel' }).click()
    await dialogOf(page).getByText('REAUTHENTICATION_REQUIRED').waitFor()
    expect((await rowOf(user.userId))?.status).toBe('ACTIVE')
  })

  it('is deleted, and then is missing', async () => {
    const { page, user } = await openUser()
    await page.getByRole('button', { name: 'Delete …' }).click()
    await dialogOf(page)
      .getByRole('heading', { name: `Delete ${user.email}?` })
      .waitFor()
    await dialogOf(page).getByRole('button', { name: 'Delete the account' }).click()
    await page.getByText(/^The account is deleted\. Ended on all nodes/).waitFor()
    await page.getByRole('heading', { level: 1, name: 'Users' }).waitFor()
    expect((await rowOf(user.userId))?.status).toBe('DELETED')
    expect(await page.getByText(user.email).count()).toBe(0)

    await page.goto(`${server.url}/#/admin/users/${user.userId}`)
    await page.getByText('There is no such user.').waitFor()
    await expectFitForAll(page)
    await page.goto(`${server.url}/#/admin/users/no-id`)
    await page.getByText('ID_INVALID').waitFor()
    await expectFitForAll(page)
  })

  it('can be oneself: the last admin stays one, and who ends the own sessions is told why', async () => {
    const { page, admin } = await openAsAdmin(console, '/admin/users')
    await page.getByRole('searchbox').fill(admin.email)
    await page.getByRole('main').getByRole('link', { name: admin.email }).click()
    await page.getByText('This is your own account').waitFor()
    await server.rows(sql`update annul.users set roles = '{}' where id <> ${admin.userId}`)
    await page.getByRole('button', { name: 'Delete …' }).click()
    await dialogOf(page).getByRole('button', { name: 'Delete the account' }).click()
    await dialogOf(page).getByText('LAST_ADMIN').waitFor()
    await dialogOf(page).getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'End all sessions …' }).click()
    await dialogOf(page).getByRole('button', { name: 'End all sessions' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByText('SESSIONS_REVOKED').waitFor()
    await page.getByText(ended).waitFor()
  })
})
