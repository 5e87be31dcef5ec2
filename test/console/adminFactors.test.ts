import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'
import { expectFitForAll, openAsAdmin } from '../support/consoleAdmin.ts'
import { freshCode, giveCode, signedIn, typePassword } from '../support/consoleFactors.ts'
import { enrollTotp, loginAnswer, signUpWithTotp } from '../support/factors.ts'
import { makeAdmin } from '../support/server.ts'
import { presentAccessToken, refusedAccess } from '../support/tokenAnswers.ts'

describeInChromium('An admin, in the console,', () => {
  const console = useConsole()
  const { server } = console

  /** An admin whose session was opened by the password alone, and who has an authenticator app since. */
  const openUser = async () => {
    const user = await signUpWithTotp(server)
    const { page, admin } = await openAsAdmin(console, `/admin/users/${user.userId}`)
    const { accessToken } = await server.login(admin)
    const { secret } = await enrollTotp(server, accessToken)
    await page.getByRole('heading', { level: 1, name: user.email }).waitFor()
    return { page, user, secret }
  }
  const factorsOf = (userId: string) =>
    server.rows(sql`select kind from annul.factors where user_id = ${userId}`)

  it('removes all factors of a user who has lost them, after a proof by an own one', async () => {
    const { page, user, secret } = await openUser()
    await page.getByRole('button', { name: 'Remove all factors …' }).click()
    const dialog = page.getByRole('dialog', { name: `Remove all factors of ${user.email}?` })
    await dialog.getByText('in 24 hours').waitFor()
    await expectFitForAll(page)
    await dialog.getByRole('button', { name: 'Remove all factors' }).click()
    const proof = page.getByRole('dialog', { name: 'Is it you?' })
    await proof.getByText('by a second factor').waitFor()
    expect(await factorsOf(user.userId)).toHaveLength(2)
    await giveCode(proof, await freshCode(server, secret))
    await page.getByText(/^The factors are removed, .* Ended on all nodes/).waitFor()
    await page.getByRole('cell', { name: 'reset-factors' }).waitFor()
    expect(await factorsOf(user.userId)).toEqual([])
    const { accessToken } = user.tokens
    expect(await presentAccessToken(server, accessToken)).toEqual(refusedAccess('FACTOR_REMOVED'))
    expect((await loginAnswer(server, user)).errors).toBeUndefined()
    await expectFitForAll(page)
  })

  it('is told that the removal waits, where the user has chosen so', async () => {
    const { page, user, secret } = await openUser()
    await server.rows(sql`update annul.users set delay_factor_reset = true where id = ${user.userId}`)
    await page.getByRole('button', { name: 'Remove all factors …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove all factors' }).click()
    await giveCode(page.getByRole('dialog', { name: 'Is it you?' }), await freshCode(server, secret))
    await page.getByText('the factors end in 24 hours').waitFor()
    await page.getByRole('cell', { name: 'begin-factor-reset' }).waitFor()
    expect(await factorsOf(user.userId)).toHaveLength(2)
    await expectFitForAll(page)
  })

  it('without a second factor is led to add one', async () => {
    const user = await server.signUp()
    const { page } = await openAsAdmin(console, `/admin/users/${user.userId}`)
    await page.getByRole('button', { name: 'Remove all factors …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove all factors' }).click()
    const proof = page.getByRole('dialog', { name: 'Is it you?' })
    await proof.getByText('Your account has no second factor yet.').waitFor()
    await proof.getByRole('button', { name: 'Add one' }).click()
    await page.getByRole('heading', { name: 'Passkeys and second factors' }).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })
})

describeInChromium('Where the role "admin" wants a second factor', () => {
  const { server, open } = useConsole({ env: { ANNUL_MFA_ROLES: 'admin' } })

  it('the room opens after a proof by one, and to a session that was opened by one', async () => {
    const account = await server.signUp()
    await makeAdmin(server, account.email)
    const page = await open('/admin')
    await typePassword(page, account)
    const refused = page.getByRole('alert').filter({ hasText: 'REAUTHENTICATION_REQUIRED' })
    await refused.waitFor()
    await expectFitForAll(page)
    const { secret } = await enrollTotp(server, account.accessToken)
    await refused.getByRole('button', { name: 'Confirm with a second factor' }).click()
    await giveCode(page.getByRole('dialog', { name: 'Is it you?' }), await freshCode(server, secret))
    await page.getByRole('main').getByRole('link', { name: account.email }).waitFor()
    expect(await refused.count()).toBe(0)

    // A session that was opened by a factor has the role from its beginning.
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
    await typePassword(page, account)
    await giveCode(page, await freshCode(server, secret))
    await signedIn(page)
    await page.getByRole('main').getByRole('link', { name: account.email }).waitFor()
  })
})
