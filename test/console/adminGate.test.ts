import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { describeInChromium } from '../client/browser/chromium.ts'
import { must } from '../support/answers.ts'
import { signIn, useConsole } from '../support/console.ts'
import { expectFitForAll, openAsAdmin } from '../support/consoleAdmin.ts'
import { openAdmin } from '../support/devices.ts'
import { until } from '../support/until.ts'

const places = ['', '/users', '/audit', '/nodes', '/keys'] as const

describeInChromium('The room of admins', () => {
  const console = useConsole()
  const { server } = console

  /** All that an operation of the room could change. */
  const state = async () => [
    await server.rows(sql`select * from annul.users order by id`),
    await server.rows(sql`select * from annul.sessions order by id`),
    await server.rows(sql`select id from annul.audit_events order by id`),
  ]

  it('says to others that it is not theirs, and asks nothing for them', async () => {
    const user = await server.signUp()
    const page = await console.open('/admin')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await expectFitForAll(page)
    await signIn(page, user)
    const asked: string[] = []
    page.on('request', request => {
      if (request.method() === 'POST') asked.push(String(request.postData()))
    })
    for (const place of [...places, `/users/${user.userId}`, '/no-such-place']) {
      await page.goto(`${server.url}/#/admin${place}`)
      await page.getByText('This room is for admins.').waitFor()
    }
    expect(asked).toEqual([])
    expect(await page.getByRole('main').getByRole('link').count()).toBe(0)
    expect(await page.getByRole('banner').getByRole('link', { name: 'Admin' }).count()).toBe(0)
    await expectFitForAll(page)
  })

  it('sends operations that the server refuses to others and to nobody, each of them, and nothing changes', async () => {
    const [user, victim] = [await server.signUp(), await server.signUp()]
    const { page, admin } = await openAsAdmin(console, '/admin')
    const sent = new Map<string, { query: string; variables: Record<string, unknown> }>()
    page.on('request', request => {
      if (request.method() !== 'POST') return
      const body = request.postDataJSON()
      const name = /^(?:query|mutation) (\w+)/.exec(body.query)?.[1] ?? ''
      sent.set(name, body)
    })
    // What the room sends, recorded while an admin uses all of it.
    for (const place of places) {
      await page.goto(`${server.url}/#/admin${place}`)
      await page.getByRole('main').getByRole('table').or(page.getByRole('meter')).first().waitFor()
    }
    await page.goto(`${server.url}/#/admin/audit`)
    await page.getByLabel('User').fill(victim.email)
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByRole('link', { name: 'Show all events' }).waitFor()
    await page.goto(`${server.url}/#/admin/users/${victim.userId}`)
    await page.getByLabel('Roles').fill('support')
    for (const [open, submit, done] of [
      ['Change access …', 'Change the access', 'The access is changed.'],
      ['Block …', 'Block the user', 'The user is blocked.'],
      ['Unblock …', 'Unblock the user', 'The user may sign in again.'],
      ['End all sessions …', 'End all sessions', 'All sessions of the user have ended.'],
      ['Recover …', 'Recover the account', 'The account has a new id'],
      ['Delete …', 'Delete the account', 'The account is deleted.'],
    ] as const) {
      await page.getByRole('button', { name: open }).click()
      await page.getByRole('dialog').getByRole('button', { name: submit }).click()
      await page.getByText(done).first().waitFor()
    }
    const other = await server.signUp()
    const names = 'Block Delete EndSessions Events FindUser Fleet Keys Recover SetAccess Unblock User Users'
    expect([...sent.keys()].filter(name => names.split(' ').includes(name)).sort()).toEqual(names.split(' '))
    const operations = names.split(' ').map(name => [name, sent.get(name)] as const)

    const before = await state()
    for (const [name, operation] of [
      ...operations,
      [
        'RevokeEverything',
        { query: 'mutation RevokeEverything { revokeEverything }', variables: {} },
      ] as const,
    ]) {
      const { query = '', variables = {} } = operation ?? {}
      for (const id of [other.userId, user.userId, admin.userId]) {
        const given = { ...variables, ...('id' in variables && { id }) }
        const forbidden = await server.send(query, { variables: given, token: user.accessToken })
        // The viewer may read the own account, as in the account's room.
        const isOwn = name === 'User' && id === user.userId
        expect([name, forbidden.code]).toEqual([name, isOwn ? undefined : 'FORBIDDEN'])
        if (!isOwn) expect(Object.values(forbidden.data ?? {}).filter(Boolean)).toEqual([])
        const nobody = await server.send(query, { variables: given })
        expect([name, nobody.code, nobody.reason]).toEqual([name, 'UNAUTHENTICATED', 'TOKEN_MISSING'])
        expect(Object.values(nobody.data ?? {}).filter(Boolean)).toEqual([])
      }
    }
    expect(await state()).toEqual(before)
  })

  it.each(['users', 'audit', 'nodes', 'keys'])(
    'stops showing %s when the admin loses the role elsewhere',
    async place => {
      const chief = await openAdmin(server)
      const { page, admin } = await openAsAdmin(console, `/admin/${place}`)
      await page.getByRole('main').getByRole('table').or(page.getByRole('meter')).first().waitFor()
      const demote = `mutation { setUserAccess(id: "${admin.userId}", roles: ["support"]) { id } }`
      must(await server.send(demote, { token: chief.accessToken }))
      // The page need not ask: the end of its access token closes its socket, and so it gets the next one.
      await page.getByText('This room is for admins.').waitFor()
      expect(await page.getByRole('table').or(page.getByRole('meter')).count()).toBe(0)
      expect(await page.getByRole('banner').getByRole('link', { name: 'Admin' }).count()).toBe(0)
      // The session goes on.
      await page.getByRole('banner').getByText(admin.email).waitFor()
      await expectFitForAll(page)
    },
  )

  it('shows what others have written as text', async () => {
    const img = '<img/src=x/onerror=globalThis.wasAttacked=1>'
    const email = `"${img}"@example.com`
    const password = 'a password of an attacker'
    const register = `mutation ($input: RegisterInput!) { register(input: $input) { accessToken user { id } } }`
    const { register: opened } = must(
      await server.send<{ register: { accessToken: string; user: { id: string } } }>(register, {
        variables: { input: { email, password } },
        headers: { 'user-agent': '<svg>onload=globalThis.wasAttacked=1' },
      }),
    )
    const reason = `<script>globalThis.wasAttacked=1</script>${img}<a href="javascript:globalThis.wasAttacked=1">x</a>`
    const { page } = await openAsAdmin(console, '/admin/users')
    await page.getByRole('link', { name: email }).click()
    await page.getByRole('heading', { level: 1, name: email }).waitFor()
    await page.getByRole('cell', { name: '<svg>onload=globalThis.wasAttacked=1' }).waitFor()
    await page.getByRole('button', { name: 'Block …' }).click()
    await page
      .getByRole('dialog')
      .getByRole('heading', { name: `Block ${email}?` })
      .waitFor()
    await page.getByLabel('Reason').fill(reason)
    await page.getByRole('button', { name: 'Block the user' }).click()
    await page.getByRole('cell', { name: reason }).waitFor()
    const foreign = () => page.locator('main :is(img, script, svg, a[href^="javascript:"])').count()
    expect(await foreign()).toBe(0)
    await page.goto(`${server.url}/#/admin/audit/user/${opened.user.id}`)
    await page.getByRole('cell', { name: reason }).waitFor()
    expect(await foreign()).toBe(0)
    // A place of the page is written by whoever made the link.
    for (const place of [
      `/admin/users/${img}`,
      `/admin/audit/user/${img}/kind/${img}`,
      '/admin/%',
      `/admin/${img}`,
    ]) {
      await page.goto(`${server.url}/#${place}`)
      await page.getByRole('navigation', { name: 'Admin' }).waitFor()
      await until(
        async () =>
          (await page.getByRole('alert').count()) + (await page.getByText('no such page').count()) > 0,
      )
      expect(await foreign()).toBe(0)
    }
    expect(await page.evaluate(() => Reflect.get(globalThis, 'wasAttacked'))).toBeUndefined()
  })
})
