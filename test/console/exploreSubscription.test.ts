import { expect, it } from '@jest/globals'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'
import { answerThat, openExample, run, show, tokenChanges } from '../support/explore.ts'
import { makeAdmin } from '../support/server.ts'

describeInChromium('A subscription in GraphiQL', () => {
  const { server, open } = useConsole()

  it('goes on with the next token when its token dies, and says why when the session has ended', async () => {
    const account = await server.signUp()
    const admin = await server.signUp()
    await makeAdmin(server, admin.email)
    const { accessToken: token } = await server.login(admin)
    const page = await open('/sign-in')
    await signIn(page, account)
    await page.getByRole('link', { name: 'Explore', exact: true }).first().click()
    await show(page, 'Examples')
    await openExample(page, 'sessionEvents')
    await show(page, 'Session')
    const running = run(page, text => text.includes('OPENED'))
    await page.getByText('Subscribed. Each event is shown as it comes.').waitFor()
    // A subscription that dies sooner is not begun again.
    await page.waitForTimeout(2500)

    const resumed = page.waitForEvent('websocket')
    const { errors } = await server.send(
      'mutation ($id: ID!) { setUserAccess(id: $id, roles: ["editor"]) { id } }',
      { token, variables: { id: account.userId } },
    )
    expect(errors).toBeUndefined()
    await tokenChanges(page).first().getByText('ACCESS_CHANGED').waitFor()
    await (await resumed).waitForEvent('framesent', ({ payload }) => String(payload).includes('"subscribe"'))
    // The page's own subscription ended with the same token: one refresh follows for both.
    expect(await tokenChanges(page).count()).toBe(2)
    // An event before the server has read the frame is not shown, so there is one after the other.
    let isShown = false
    const signingIn = (async () => {
      while (!isShown) await server.login(account)
    })()
    await running
    isShown = true
    await signingIn

    await server.send('mutation ($id: ID!) { revokeUserSessions(id: $id) { id } }', {
      token,
      variables: { id: account.userId },
    })
    await answerThat(page, text => text.includes('SESSIONS_REVOKED'))
    const explained = page.getByRole('region', { name: 'The answer’s errors, explained' })
    await explained.getByRole('link', { name: 'UNAUTHENTICATED' }).waitFor()
    await page
      .getByRole('region', { name: 'Session', exact: true })
      .getByRole('alert')
      .getByText('SESSIONS_REVOKED')
      .waitFor()
    await expectAccessible(page)
  })
})
