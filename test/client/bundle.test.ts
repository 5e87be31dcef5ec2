import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { useServer } from '../support/server.ts'
import { describeInChromium, useBrowser } from './browser/chromium.ts'
import { startFileServer } from './browser/fileServer.ts'

/* An app that has installed the package, and uses all doors for browsers, bundled by esbuild and by Vite. */

const main = /* TypeScript */ `
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { cacheExchange, Client, fetchExchange } from '@urql/core'
import { createSession } from 'annul/client'
import { signInWithPasskey } from 'annul/client/passkeys'
import { sessionLink } from 'annul/client/apollo'
import { SessionProvider, SignedIn } from 'annul/client/react'
import { sessionExchange } from 'annul/client/urql'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'

const endpoint = new URLSearchParams(location.search).get('endpoint') ?? '/graphql'
const session = createSession({ endpoint })
const link = sessionLink(session).concat(new HttpLink({ uri: endpoint }))
const apollo = new ApolloClient({ link, cache: new InMemoryCache() })
const exchanges = [cacheExchange, sessionExchange(session), fetchExchange]
const urql = new Client({ url: endpoint, preferGetMethod: false, exchanges })
const email = createElement(SignedIn, null, user => user.email)
createRoot(document.getElementById('root')).render(createElement(SessionProvider, { session }, email))

const byApollo = async () => (await apollo.query({ query: gql\`{ me { email } }\` })).data.me.email
const byUrql = async () => (await urql.query('{ me { email } }', {}).toPromise()).data.me.email
Object.assign(window, { annul: { session, byApollo, byUrql, signInWithPasskey } })
`

let app: string

beforeAll(async () => {
  app = await temporaryDirectory()
  const modules = join(app, 'node_modules')
  await mkdir(modules)
  await symlink(root, join(modules, 'annul'))
  for (const name of ['@apollo', '@simplewebauthn', '@urql', 'react', 'react-dom'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  await writeFile(join(app, 'package.json'), '{ "type": "module" }')
  await writeFile(join(app, 'main.ts'), main)
  const icon = '<link rel="icon" href="data:,">'
  const page = `<!doctype html><title>App</title>${icon}<div id="root"></div><script type="module" src="/main.ts"></script>`
  await writeFile(join(app, 'index.html'), page)
})

/** @returns what Vite says below the level of information: warnings and errors */
async function buildWithVite(): Promise<string> {
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const { NODE_ENV: _, ...env } = process.env
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [vite, 'build', '--logLevel', 'warn', '--outDir', 'built', '--emptyOutDir'],
    { cwd: app, env, timeout: 60_000 },
  )
  return stdout + stderr
}

describe('the client in a bundle', () => {
  it('is taken by esbuild without a warning, and without the server', async () => {
    // For the browser: an import of node: would be an error.
    const { warnings, metafile } = await build({
      absWorkingDir: app,
      entryPoints: ['main.ts'],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      outdir: 'out',
      metafile: true,
      logLevel: 'silent',
    })
    expect(warnings).toEqual([])
    const dist = Object.keys(metafile.inputs).flatMap(
      path => /(?<!node_modules\/.*)\bdist\/.*/.exec(path) ?? [],
    )
    for (const door of ['index', 'apollo', 'passkeys', 'react', 'urql'])
      expect(dist).toContain(`dist/client/${door}.js`)
    expect(dist.filter(path => !path.startsWith('dist/client/'))).toEqual([])
  })

  it('is taken by Vite without a warning', async () => {
    expect(await buildWithVite()).toBe('')
    expect(await readFile(join(app, 'built/index.html'), 'utf8')).toContain('/assets/index-')
  })

  it('is a reference to client components for React Server Components', async () => {
    const options = { absWorkingDir: app, bundle: true, write: false, logLevel: 'silent' } as const
    const stdin = { contents: "export * from 'annul/client/react'", resolveDir: app }
    const inputs = async (conditions: string[]) => {
      const { metafile } = await build({ ...options, stdin, conditions, metafile: true })
      return Object.keys(metafile.inputs).some(path => path.endsWith('dist/client/reactServer.js'))
    }
    expect(await inputs(['react-server'])).toBe(true)
    expect(await inputs([])).toBe(false)
    const reference = await readFile(join(root, 'dist/client/reactServer.js'), 'utf8')
    expect(reference).toMatch(/^'use client';/)
    const exported = async (name: string) =>
      Object.keys(await import(join(root, `dist/client/${name}.js`))).sort()
    expect(await exported('reactServer')).toEqual(await exported('react'))
  })
})

describeInChromium("in Chromium, Vite's bundle", () => {
  const browser = useBrowser()
  let pages: Awaited<ReturnType<typeof startFileServer>>
  const server = useServer(async () => {
    expect(await buildWithVite()).toBe('')
    pages = await startFileServer(join(app, 'built'))
    return { env: { HOST: 'localhost', ANNUL_ALLOWED_ORIGINS: pages.url } }
  })
  afterAll(() => pages?.close())

  it('signs in, and asks by Apollo Client and urql', async () => {
    const { email, password } = await server.signUp()
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      const errors: string[] = []
      page.on('pageerror', error => errors.push(String(error)))
      await page.goto(`${pages.url}/?endpoint=${encodeURIComponent(`${server.url}/graphql`)}`)
      await page.waitForFunction('window.annul')
      await page.evaluate(`annul.session.login(${JSON.stringify({ email, password })})`)
      await page.waitForFunction(`document.getElementById('root').textContent === ${JSON.stringify(email)}`)
      expect(await page.evaluate('annul.byApollo()')).toBe(email)
      expect(await page.evaluate('annul.byUrql()')).toBe(email)
      expect(errors).toEqual([])
    } finally {
      await context.close()
    }
  })
})
