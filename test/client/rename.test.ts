import { describe, expect, test } from '@jest/globals'
import { buildSchema } from '../../src/graphql/schema.ts'
import { useOwnServer } from '../support/codeFirst.ts'
import { useGuardedApp } from '../support/guardedApp.ts'
import { openSession } from './support.ts'

/* A server whose schema has Annul's names for something else: client and server take the same `rename`. */

const rename = {
  types: {
    User: 'Account',
    LoginInput: 'SignInInput',
    RegisterInput: 'SignUpInput',
    ChangePasswordInput: 'NewPasswordInput',
  },
  directive: 'requires',
  fields: {
    'Query.me': 'viewer',
    'Mutation.register': 'signUp',
    'Mutation.login': 'signIn',
    'Mutation.refresh': 'renew',
    'Mutation.logout': 'signOut',
    'Mutation.changePassword': 'setPassword',
    'Mutation.revokeOtherSessions': 'signOutOthers',
    'Mutation.reauthenticate': 'prove',
  },
}
/** The app's own mutations under those names, which the client must not meet. */
const theirs = [
  'register',
  'login',
  'refresh',
  'logout',
  'changePassword',
  'revokeOtherSessions',
  'reauthenticate',
]
const typeDefs = `extend type Mutation { ${theirs.map(name => `${name}: String`).join(' ')} }`

const node = useGuardedApp({})
const server = useOwnServer(node, () => buildSchema({ typeDefs }, { rename }))

describe('a session with the server’s rename', () => {
  test('registers, refreshes, changes the password, signs out and in again', async () => {
    const session = openSession({ endpoint: server.endpoint, rename })
    const email = `renamed-${Date.now()}@example.com`
    const [password, newPassword] = ['correct horse battery staple', 'another horse battery staple']
    const user = await session.register({ email, password })
    expect(user).toMatchObject({ id: expect.any(String), email })
    await session.refresh()
    await session.reauthenticate(password)
    await session.changePassword({ currentPassword: password, newPassword })
    await session.revokeOtherSessions()
    const answer = await session.fetch(server.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ viewer { email } }' }),
    })
    expect(await answer.json()).toEqual({ data: { viewer: { email } } })
    expect(await session.logout()).toBe(true)
    expect(await session.login({ email, password: newPassword })).toEqual(user)
  })

  test('is refused by such a server without it, and not signed in by another login', async () => {
    const session = openSession({ endpoint: server.endpoint })
    const { email, password } = node.account
    await expect(session.login({ email, password })).rejects.toMatchObject({
      code: 'GRAPHQL_VALIDATION_FAILED',
    })
    expect(session.state.status).toBe('signedOut')
  })
})
