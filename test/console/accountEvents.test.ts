import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { texts } from '../../console/src/texts/en.ts'
import { describeInChromium } from '../client/browser/chromium.ts'
import { signIn, useConsole } from '../support/console.ts'
import { press } from '../support/consoleAccount.ts'
import { makeAdmin } from '../support/server.ts'
import { until } from '../support/until.ts'

/** What only operators do, to no account or to an account that is not theirs. */
const operators = ['create-service', 'end-service', 'rotate-keys', 'revoke-key']

it('every kind of event that an account can have stands in the texts, in words', () => {
  const source = readFileSync('src/app/auditEvent.ts', 'utf8')
  const kinds = [...source.matchAll(/^ {2}\| '([a-z-]+)'$/gm)].map(([, kind]) => kind ?? '')
  expect(kinds.length).toBeGreaterThan(30)
  const told = Object.keys(texts.account.event.kinds)
  expect(kinds.filter(kind => !operators.includes(kind) && !told.includes(kind))).toEqual([])
})

describeInChromium('The events of the account room', () => {
  const { server, open } = useConsole()

  it('are told in words, page by page, the newest first', async () => {
    const account = await server.signUp()
    for (let round = 0; round < 22; round++)
      await server.send('mutation { reauthenticate(password: "a wrong password of words") { expiresIn } }', {
        token: account.accessToken,
      })
    const page = await open('/account/events')
    await signIn(page, account)
    const titles = () => page.getByRole('main').getByRole('heading', { level: 2 }).allInnerTexts()
    await page.getByRole('heading', { name: 'Signed in' }).waitFor()
    expect((await titles()).slice(0, 2)).toEqual([
      'Signed in',
      'A wrong password or factor was given as a proof',
    ])
    expect(await titles()).toHaveLength(20)
    const newest = page.getByRole('listitem').first()
    expect(await newest.innerText()).toContain('127.0.0.1')
    expect(await newest.getByRole('time').getAttribute('datetime')).toMatch(/Z$/)

    await press(page, 'Older')
    await page.getByRole('heading', { name: 'The account was created' }).waitFor()
    expect((await titles()).length).toBe(4)
    const older = page.getByRole('button', { name: 'Older' })
    expect(await older.getAttribute('aria-disabled')).toBe('true')
    await older.click({ force: true })
    expect((await titles()).length).toBe(4)
    await press(page, 'Newer')
    await until(async () => (await titles()).length === 20)
    await page.getByRole('heading', { name: 'Signed in' }).waitFor()
  })

  it('appear by themselves, and tell of an admin without the admin’s address and words', async () => {
    const account = await server.signUp()
    const admin = await server.signUp()
    await makeAdmin(server, admin.email)
    const { accessToken } = await server.login(admin)
    const page = await open('/account/events')
    await signIn(page, account)
    await page.getByRole('heading', { name: 'The account was created' }).waitFor()
    await server.send('mutation ($id: ID!) { setUserAccess(id: $id, roles: ["editor"]) { id } }', {
      variables: { id: account.userId },
      token: accessToken,
    })
    await server.login(account)
    const event = page.getByRole('listitem').filter({ hasText: 'Roles or scopes were changed' })
    await event.waitFor({ timeout: 20_000 })
    expect(await event.innerText()).toContain('by an administrator')
    expect(await event.innerText()).not.toContain('127.0.0.1')
  })
})
