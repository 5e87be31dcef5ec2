import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { revokeKey } from '../../src/admin/revokeKey.ts'
import { rotateKeys } from '../../src/admin/rotateKeys.ts'
import { describeInChromium } from '../client/browser/chromium.ts'
import { useConsole } from '../support/console.ts'
import { expectFitForAll, openAsAdmin } from '../support/consoleAdmin.ts'
import { presentAccessToken, refusedAccess } from '../support/tokenAnswers.ts'

describeInChromium('The keys', () => {
  const console = useConsole()
  const { server } = console

  it('tell which one signs, which verify and until when, and which were revoked', async () => {
    const { page } = await openAsAdmin(console, '/admin/keys')
    const { kid: first } = server.auth.parts.keys.current()
    const row = (kid: string) => page.getByRole('row').filter({ hasText: kid })
    await row(first).getByText('signs', { exact: true }).waitFor()
    expect(await row(first).innerText()).toMatch(/ES256\s+signs\s+.*–\s+no end yet/s)

    const next = await rotateKeys(server.auth.parts)
    await page.getByRole('button', { name: 'Look again' }).press('Enter')
    await row(next).getByText('signs soon').waitFor()
    expect(await row(next).innerText()).toMatch(/in 1 minute|now/)
    expect(await row(first).innerText()).toMatch(/signs[\s\S]*in 1 hour/)
    await expectFitForAll(page)

    // Nothing but time makes a key verify only: the database's clock, seen from two minutes later.
    await server.rows(sql`
      update annul.signing_keys set signs_from = signs_from - interval '2 minutes', retired_at = retired_at - interval '2 minutes'`)
    await revokeKey(server.auth.parts, first)
    await page.getByRole('button', { name: 'Look again' }).click()
    await row(first).getByText('revoked').waitFor()
    expect(await row(first).innerText()).not.toContain('signs')
    await expectFitForAll(page)
  })

  it('lie beside the button that ends everything: a name to type, a recent proof, and then everybody is out', async () => {
    const user = await server.signUp()
    const { page, admin } = await openAsAdmin(console, '/admin/keys')
    await server.rows(
      sql`update annul.sessions set auth_time = now() - interval '1 hour' where user_id = ${admin.userId}`,
    )
    await page.reload()
    const dialog = page.getByRole('dialog', { name: 'End all sessions of all users of Annul?' })
    const end = dialog.getByRole('button', { name: 'End all sessions of all users' })
    await page.getByRole('button', { name: 'End everything …' }).press('Enter')
    await dialog.getByLabel('Type “Annul” to confirm').fill('annul!')
    await end.press('Enter')
    expect(
      await dialog
        .getByLabel('Type “Annul” to confirm')
        .evaluate((input: HTMLInputElement) => input.validationMessage),
    ).toBe('This is not the name.')
    await page.waitForTimeout(300)
    await dialog.waitFor()
    await expectFitForAll(page)
    await page.keyboard.press('Escape')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('End everything …')

    await page.keyboard.press('Enter')
    await dialog.getByLabel('Type “Annul” to confirm').fill('Annul')
    await page.keyboard.press('Enter')
    const proof = page.getByRole('dialog', { name: 'Is it you?' })
    await proof.getByRole('button', { name: 'Cancel' }).click()
    await dialog.getByText('REAUTHENTICATION_REQUIRED').waitFor()
    expect(await presentAccessToken(server, user.accessToken)).toEqual(
      expect.not.objectContaining({ code: 'UNAUTHENTICATED' }),
    )
    await end.click()
    await proof.getByLabel('Your password').fill(admin.password)
    await page.keyboard.press('Enter')

    await page.getByText(/^Every session has ended, yours too\. Ended on all nodes/).waitFor()
    expect(await presentAccessToken(server, user.accessToken)).toEqual(refusedAccess('EVERYTHING_REVOKED'))
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByText('EVERYTHING_REVOKED').waitFor()
    await expectFitForAll(page)
  })
})
