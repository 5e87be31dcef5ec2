import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { newAddress, newPassword } from '../support/account.ts'
import { must } from '../support/answers.ts'
import type { TokensAnswer } from '../support/client.ts'
import { openAdmin } from '../support/devices.ts'
import { root } from '../support/imports.ts'
import { mailOf, mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'

/* The operations of docs/account.md, from the first to the last. */

const text = readFileSync(join(root, 'docs/account.md'), 'utf8')
const operations = new Map(
  [...text.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, source = '']) => [
    /mutation (\w+)/.exec(source)?.[1] ?? '',
    source,
  ]),
)
const server = useServer()

it('docs/account.md shows operations that work, in its order', async () => {
  const done: string[] = []
  const run = async (name: string, variables: Record<string, unknown> = {}, token?: string) => {
    done.push(name)
    const source = operations.get(name) ?? ''
    const data = must(await server.send(source, { variables, ...(token !== undefined && { token }) }))
    return Object.values(data)[0]
  }
  const email = newAddress()
  const input = { email, password: newPassword() }
  const opened = (await run('Register', { input })) as TokensAnswer
  expect(await run('RequestVerification', {}, opened.accessToken)).toBe(true)
  expect(await run('Verify', { token: (await mailOf(server, 'verify-email', email)).token })).toBe(true)
  expect(await run('RequestReset', { email })).toBe(true)
  const { token } = await mailOf(server, 'reset-password', email)
  const password = newPassword()
  const reset = (await run('Reset', { input: { token, newPassword: password } })) as TokensAnswer
  expect(reset.user).toEqual({ id: opened.user.id, emailVerified: true })
  const other = newAddress()
  expect(await run('ChangeEmail', { input: { email: other } }, reset.accessToken)).toMatchObject({ email })
  expect(await run('Confirm', { token: (await mailOf(server, 'confirm-new-email', other)).token })).toBe(true)
  expect(await run('Restore', { token: (await mailOf(server, 'email-changed', email)).token })).toBe(true)
  const again = await server.login({ email, password })
  expect(await run('Delete', {}, again.accessToken)).toBe(true)
  const victim = await server.signUp()
  const admin = await openAdmin(server)
  expect(await run('Recover', { id: victim.userId }, admin.accessToken)).toMatchObject({
    email: victim.email,
  })
  expect(done).toEqual([...operations.keys()])

  // The table names every mail that was sent, and only kinds that there are.
  const listed = [...text.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, kind]) => kind)
  const kinds = new Set((await mailsTo(server)).map(({ kind }) => kind))
  expect(listed).toEqual(expect.arrayContaining([...kinds]))
  expect(kinds.size).toBe(7)
})
