import { expect, it } from '@jest/globals'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, useConsole } from '../support/console.ts'
import { run, show, signInByPanel, textOf, tokenChanges, write } from '../support/explore.ts'
import { makeAdmin } from '../support/server.ts'
import { until } from '../support/until.ts'

describeInChromium('The session beside GraphiQL', () => {
  const { server, open } = useConsole()

  it('says who is signed in, and shows the access token decoded with its remaining life', async () => {
    const account = await server.signUp()
    await makeAdmin(server, account.email)
    const page = await open('/explore')
    const panel = page.getByRole('region', { name: 'Session' })
    await panel.getByText('Nobody is signed in.').waitFor()
    await expectAccessible(page)
    await signInByPanel(page, account)

    expect(await panel.innerText()).toMatch(/Roles\s+admin/)
    expect(await panel.innerText()).toContain(account.userId)
    const life = panel.getByRole('meter')
    expect(await life.getAttribute('max')).toBe('600')
    expect(Number(await life.getAttribute('value'))).toBeGreaterThan(500)
    await panel.getByText('minutes left').waitFor()

    await panel.getByText('The token, decoded').click()
    const decoded = await panel.getByRole('group').first().innerText()
    expect(decoded).toContain('ES256')
    expect(decoded).toContain(account.userId)
    expect(decoded).toMatch(/exp\s+expires/)
    await expectAccessible(page)
  })

  it('forgets the token on demand, and shows the refresh before the next operation with what it changed', async () => {
    const account = await server.signUp()
    const page = await open('/explore')
    await signInByPanel(page, account)
    const sent: string[] = []
    page.on('request', request => {
      const [found] = /\brefresh\(|\bMine\b/.exec(request.postData() ?? '') ?? []
      if (found) sent.push(found)
    })

    await page.getByRole('button', { name: 'Expire it now' }).click()
    await page.getByText('There is no access token in this page.').waitFor()
    await expectAccessible(page)
    await write(page, 'query Mine { me { email } }')
    expect(await run(page)).toContain(account.email)

    expect(sent).toEqual(['refresh(', 'Mine'])
    const [newest] = await tokenChanges(page).all()
    await newest?.getByText('Refreshed: the page had forgotten its token.').waitFor()
    await newest?.getByText(/^Changed: .*jti/).waitFor()
    await page.getByText('minutes left').waitFor()
  })

  it('shows a refresh that the person asked for, and one that a refusal led to, with its reason and the new roles', async () => {
    const account = await server.signUp()
    const admin = await server.signUp()
    await makeAdmin(server, admin.email)
    const { accessToken: token } = await server.login(admin)
    const page = await open('/explore')
    await signInByPanel(page, account)
    await page.getByRole('button', { name: 'Refresh now' }).click()
    const newest = tokenChanges(page).first()
    await newest.getByText('Refreshed: you asked for it.').waitFor()
    // The refresh is noted when it begins, and its new token when it has come.
    await newest.getByText(/^Changed: .*jti/).waitFor()

    const mutation = 'mutation ($id: ID!) { setUserAccess(id: $id, roles: ["editor"]) { id } }'
    const { errors } = await server.send(mutation, { token, variables: { id: account.userId } })
    expect(errors).toBeUndefined()
    await write(page, '{ me { roles } }')
    expect(await run(page)).toContain('editor')

    await newest.getByText('ACCESS_CHANGED').waitFor()
    const details = newest.getByText(/^Changed: .*roles/)
    await details.click()
    expect(await newest.innerText()).toContain('["editor"]')
    expect(await page.getByRole('region', { name: 'Session' }).innerText()).toMatch(/Roles\s+editor/)
    await expectAccessible(page)
  })

  it('signs in as another user, and says why a session has ended elsewhere', async () => {
    const [one, other] = [await server.signUp(), await server.signUp()]
    const page = await open('/explore')
    await signInByPanel(page, one)
    await page.getByRole('button', { name: 'Sign in as another user' }).click()
    await signInByPanel(page, other)
    await write(page, '{ me { email } }')
    expect(await run(page)).toContain(other.email)

    const { accessToken: token } = await server.login(other)
    await server.send('mutation { revokeOtherSessions { expiresIn } }', { token })
    expect(await run(page, text => text.includes('errors'))).toContain('UNAUTHENTICATED')
    const alert = page.getByRole('region', { name: 'Session' }).getByRole('alert')
    await alert.getByText('SESSIONS_REVOKED').waitFor()
    expect(await textOf(page, 'operation')).toBe('{ me { email } }')
    await expectAccessible(page)
  })

  it('leaves no operation, answer or token in the page after a sign-out', async () => {
    const account = await server.signUp()
    const page = await open('/explore')
    await signInByPanel(page, account)
    await write(page, '{ me { email } }')
    expect(await run(page)).toContain(account.email)
    await page.getByRole('region', { name: 'Session' }).getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('Nobody is signed in.').waitFor()
    await page.getByText('None yet.').waitFor()
    // GraphiQL is made anew just after the sign-out.
    await until(async () => (await textOf(page, 'operation')) === '')
    expect(await textOf(page, 'response')).toBe('')
    await show(page, 'Examples')
    expect(await page.locator('body').innerText()).not.toContain(account.email)
  })
})
