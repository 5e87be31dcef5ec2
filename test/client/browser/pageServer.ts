import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** Serves the page, and the built client beside it, on another port than the API: as an app would be served. */
export async function startPageServer(): Promise<{ url: string; close(): Promise<void> }> {
  const root = new URL('../../../dist/', import.meta.url)
  const page = new URL('page.html', import.meta.url)
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const isScript = /^\/(client\/(\w+\/)?)?\w+\.js$/.test(pathname)
    const file = isScript ? new URL(`.${pathname}`, root) : page
    const body = await readFile(fileURLToPath(file)).catch(() => undefined)
    response.writeHead(body ? 200 : 404, { 'content-type': isScript ? 'text/javascript' : 'text/html' })
    response.end(body)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
