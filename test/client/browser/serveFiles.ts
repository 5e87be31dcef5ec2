import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A file, and the type that a browser is told. */
export interface ServedFile {
  readonly path: string
  readonly type: string
}

/** Serves files on a port of localhost. @param fileOf the file of a path; undefined, or one that is missing: 404 */
export async function serveFiles(
  fileOf: (pathname: string) => ServedFile | undefined,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const file = fileOf(new URL(request.url ?? '/', 'http://localhost').pathname)
    const body = file && (await readFile(file.path).catch(() => undefined))
    response.writeHead(body ? 200 : 404, { 'content-type': file?.type ?? 'text/plain' })
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
