import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import express from 'express'
import { fastify } from 'fastify'
import { type AnnulConsole, annulConsole } from '../../src/servers/console.ts'
import { annulExpress } from '../../src/servers/express.ts'
import { annulFastify } from '../../src/servers/fastify.ts'
import { openAppAuth, send, useClosing } from './support.ts'

/* The console in somebody's own server. */

const closing = useClosing()
const browser = { headers: { accept: 'text/html,*/*;q=0.8' } }

async function open(settings: Parameters<typeof openAppAuth>[0] = {}) {
  const opened = await openAppAuth(settings)
  closing(opened.close)
  return opened.auth
}

async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler ?? (() => {})).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  closing(() => new Promise(resolve => server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The page at a path, and whether the files that it names are there. */
async function look(url: string) {
  const { status, text, headers } = await send(url, browser)
  const files = [...text.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(match => match[1] ?? '')
  const answers = await Promise.all(files.map(file => send(new URL(file, url).href)))
  return {
    status,
    settings: JSON.parse((text.match(/content="(\{.*?\})"/)?.[1] ?? '{}').replaceAll('&#34;', '"')),
    policy: headers.get('content-security-policy')?.includes("script-src 'self'"),
    // Into how many files the build cuts the page does not matter.
    kinds: [...new Set(files.map(file => file.split('.').at(-1)))].sort(),
    missing: files.filter((_, place) => answers[place]?.status !== 200),
  }
}

const shown = {
  status: 200,
  policy: true,
  kinds: ['css', 'js', 'svg'],
  missing: [],
}
const own = { siteName: 'Annul', subscriptions: false, passwordMinLength: 15, factors: true }

describe('annulConsole', () => {
  const mounts: [string, (page: AnnulConsole) => Promise<string>][] = [
    [
      'Express',
      async page => {
        const app = express()
        app.use(page.express())
        app.use((_request, response) => void response.status(418).send('the app'))
        return listen(app)
      },
    ],
    [
      'Fastify',
      async page => {
        const app = fastify()
        app.addHook('onRequest', page.fastify())
        app.setNotFoundHandler((_request, reply) => reply.status(418).send('the app'))
        closing(() => app.close())
        return app.listen({ port: 0, host: '127.0.0.1' })
      },
    ],
    [
      'a Fetch handler',
      async page =>
        listen(async (request, response) => {
          const asked = new Request(`http://app.example${request.url}`, { method: request.method ?? 'GET' })
          const answer = (await page.fetch(asked)) ?? new Response('the app', { status: 418 })
          response.writeHead(answer.status, Object.fromEntries(answer.headers))
          response.end(Buffer.from(await answer.arrayBuffer()))
        }),
    ],
  ]

  it.each(mounts)('shows the page in %s, and lets pass what is not under its path', async (_, mount) => {
    const auth = await open()
    const page = annulConsole(auth, { schema: auth.schema(), path: '/my/console/', endpoint: '/api' })
    const url = await mount(page)
    for (const path of ['/my/console', '/my/console/', '/my/console?from=elsewhere'])
      expect(await look(url + path)).toEqual({
        ...shown,
        settings: { ...own, endpoint: '/api', guards: '/my/console/console/guards.json' },
      })
    const guards = await send(`${url}/my/console/console/guards.json`)
    expect(JSON.parse(guards.text)).toContainEqual({ field: 'Query.me', guard: [{}] })
    for (const [path, method] of [
      ['/', 'GET'],
      ['/my/consoles', 'GET'],
      ['/my/console/else', 'GET'],
      ['/my/console/console/nothing.js', 'GET'],
      ['/my/console/console/..%2findex.html', 'GET'],
      ['/my/console', 'POST'],
    ] as const)
      expect((await send(url + path, { method })).status).toBe(418)
  })

  it('leaves a request alone that something before it has answered meanwhile', async () => {
    const page = annulConsole(await open())
    const app = express()
    app.use((_request, response, next) => {
      next()
      response.status(503).send('too late')
    })
    app.use(page.express())
    const url = await listen(app)
    for (let times = 0; times < 3; times++) expect((await send(`${url}/console`)).text).toBe('too late')
  })

  it('shows nothing where ANNUL_CONSOLE is off', async () => {
    const page = annulConsole(await open({ console: false }))
    expect(await page.fetch(new Request('http://app.example/console'))).toBeUndefined()
  })

  it('refuses options that can not work', async () => {
    const auth = await open()
    const refusal = (options: object) => {
      try {
        return annulConsole(auth, options)
      } catch (error) {
        return error
      }
    }
    expect(refusal({ pth: '/console' })).toEqual(
      new TypeError('annulConsole has no option "pth". The nearest name is "path".'),
    )
    for (const name of ['path', 'endpoint'])
      for (const value of ['console', '//evil.example/console', 'https://evil.example', '/\\evil.example'])
        expect(refusal({ [name]: value })).toEqual(
          new TypeError(`annulConsole: "${name}" must be a path that begins with one "/".`),
        )
  })
})

describe('annulExpress and annulFastify', () => {
  it('show the page at /graphql to browsers, under a path of the app too', async () => {
    const auth = await open()
    const app = express()
    app.use(annulExpress(auth))
    app.use('/auth', annulExpress(auth))
    const whole = fastify()
    await whole.register(annulFastify, { auth })
    await whole.register(annulFastify, { auth, prefix: '/auth' })
    closing(() => whole.close())
    const wholeUrl = await whole.listen({ port: 0, host: '127.0.0.1' })
    const settings = { ...own, endpoint: 'graphql', guards: './console/guards.json' }
    for (const path of ['/graphql', '/auth/graphql']) {
      // Without its option "server", annulExpress has no WebSockets.
      expect(await look((await listen(app)) + path)).toEqual({ ...shown, settings })
      expect(await look(wholeUrl + path)).toEqual({
        ...shown,
        settings: { ...settings, subscriptions: true },
      })
    }
  })
})
