import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { errorOf, reasons } from '../../tools/docs/errors.ts'
import { listenWith } from '../servers/contract/listenWith.ts'
import { newAddress, newPassword } from '../support/account.ts'
import { temporaryDirectory } from '../support/database.ts'
import { blocksOf, compileFragments } from '../support/fragments.ts'
import { root } from '../support/imports.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* Every program of docs/client.md is compiled. test/client/ runs what they do, and tests the table of reasons' texts. */

const page = readFileSync(join(root, 'docs/client.md'), 'utf8')

/** What a reader has: an app with its client for GraphQL, a router, and what a user has typed. */
const given = /* TypeScript */ `
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client'
import { cacheExchange, Client, fetchExchange } from '@urql/core'
import { type FactorAnswer, type Session, SessionError } from 'annul/client'

declare const router: { push(path: string): void }
declare const SecureStore: Record<'getItemAsync', (key: string) => Promise<string | null>> &
  Record<'setItemAsync', (key: string, value: string) => Promise<void>> &
  Record<'deleteItemAsync', (key: string) => Promise<void>>
declare const [email, password, token, newPassword]: string[] & Record<0 | 1 | 2 | 3, string>
declare const dialog: Record<'askForCode', (methods: readonly string[], error?: string) => Promise<FactorAnswer | null>> &
  Record<'askForPassword', (error?: string) => Promise<{ password: string } | null>> &
  Record<'typeCode', (methods: readonly string[]) => Promise<string>>
declare const [request, deleteAccount]: RequestInit[] & Record<0 | 1, RequestInit>
declare const variables: object
declare const session: Session
`

describe('docs/client.md', () => {
  it('has programs that compile', async () => {
    const programs = blocksOf('docs/client.md', 'ts')
    expect(programs.length).toBe(11)
    const packages = ['@apollo/client', '@urql/core', 'graphql', 'rxjs', '@simplewebauthn/browser']
    // Packages of React Native are declared above.
    const fragments = programs.map(text => text.replace(/^import .*(react-native|expo-).*\n/gm, ''))
    expect(await compileFragments(given, fragments, packages, { lib: ['es2023', 'dom'] })).toEqual([])
  })

  it('has every reason, and ends the session by those that a login follows', () => {
    const [, table = ''] = /\n## What your users see when something ends\n([\s\S]*?)\n## /.exec(page) ?? []
    const rows = [...table.matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|/gm)].map(([, cell = '']) =>
      cell.replaceAll('`', '').split(', '),
    )
    const named = rows.flat()
    // KEY_REVOKED ends no session: a refresh goes on, though it tells clients that do not know it to sign in.
    for (const reason of Object.keys(reasons)) expect(named).toContain(reason)
    const [quiet = []] = rows.filter(({ length }) => length > 1)
    const ends = (reason: string) => errorOf(reason as keyof typeof reasons).details.recover === 'LOGIN'
    expect(quiet.filter(reason => ends(reason))).toEqual(['KEY_REVOKED'])
  })
})

describe("the page's server in development, as docs/client.md sets it up", () => {
  const server = useServer()
  let vite: ChildProcess | undefined
  afterEach(async () => {
    if (vite === undefined || vite.exitCode !== null) return
    vite.kill()
    await once(vite, 'exit')
  })

  it('makes the page and the endpoint one origin, so that cookies work without a setting', async () => {
    const [config = ''] = blocksOf('docs/client.md', 'js')
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'vite.config.js'), config.replace('http://127.0.0.1:4000', server.url))
    const { url: origin, close } = await listenWith(() => {})
    await close()
    const args = [join(root, 'node_modules/vite/bin/vite.js'), '--host', '127.0.0.1', '--strictPort']
    vite = spawn(process.execPath, [...args, '--port', new URL(origin).port], {
      cwd: folder,
      stdio: 'ignore',
    })
    await until(() => fetch(origin).then(Boolean, () => false), Boolean, 60_000)
    const query = 'mutation ($input: RegisterInput!) { register(input: $input) { refreshToken } }'
    const answer = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({
        query,
        variables: { input: { email: newAddress(), password: newPassword(), cookie: true } },
      }),
    })
    expect(await answer.json()).toEqual({ data: { register: { refreshToken: null } } })
    expect(answer.headers.getSetCookie().join()).toContain('__Host-annul-refresh=')
  })
})
