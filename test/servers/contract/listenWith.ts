import { once } from 'node:events'
import { createServer, type RequestListener, Server } from 'node:http'

/** Listens on a free port of 127.0.0.1, with a server or with what answers its requests. */
export async function listenWith(
  handler: RequestListener | Server,
): Promise<{ url: string; server: Server; close(): Promise<void> }> {
  const server = handler instanceof Server ? handler : createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null)
    throw new Error('The server does not listen on a port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    server,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
