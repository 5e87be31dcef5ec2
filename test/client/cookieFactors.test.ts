import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { IDBFactory } from 'fake-indexeddb'
import type { FactorQuestion, StepUpQuestion } from '../../src/client/index.ts'
import { codeOf, signUpWithTotp } from '../support/factors.ts'
import {
  ask,
  type CookieJar,
  createCookieJar,
  createNetwork,
  openSession,
  useClientServer,
} from './support.ts'

/* Second factors in a page, whose refresh token is in a cookie. */

const page = globalThis as { document?: unknown; location?: unknown; indexedDB?: unknown }
const server = useClientServer({
  extension: {
    typeDefs: 'extend type Query { proved: String @auth(mfa: true) }',
    resolvers: { Query: { proved: () => 'proved' } },
  },
})
let jar: CookieJar

beforeEach(() => {
  jar = createCookieJar(server.url)
  page.indexedDB = new IDBFactory()
  page.location = new URL('/app', server.url)
  page.document = {
    get cookie() {
      return jar.readable()
    },
  }
})
afterEach(() => {
  delete page.document
  delete page.location
  delete page.indexedDB
})

test('a login with a second factor sets the cookies, and only when it is complete', async () => {
  const account = await signUpWithTotp(server)
  const { fetch } = createNetwork(jar)
  const names: string[][] = []
  const onFactor = jest.fn(async (_: FactorQuestion) => {
    names.push([...jar.values.keys()])
    return { totp: codeOf(account.secret) }
  })
  const onStepUp = jest.fn(async (_: StepUpQuestion) => ({ totp: codeOf(account.secret, 1) }))
  const session = openSession({ endpoint: server.endpoint, fetch, onFactor, onStepUp })
  await session.login(account)
  expect(names.flat().filter(name => /refresh|session/.test(name))).toEqual([])
  expect(jar.values.get('__Host-annul-refresh')).toMatchObject({ httpOnly: true })
  expect(session.user?.id).toBe(account.userId)
  await session.refresh()
  await expect(ask(session, server.endpoint, '{ proved }')).resolves.toMatchObject({
    data: { proved: 'proved' },
  })
  expect(onStepUp).not.toHaveBeenCalled()

  const reloaded = openSession({ endpoint: server.endpoint, fetch })
  await expect(reloaded.ready).resolves.toMatchObject({ status: 'signedIn', user: { id: account.userId } })
})
