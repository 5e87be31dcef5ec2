import type { FastifyInstance } from 'fastify'

/** `http://HOST:PORT` of a server that listens, with the port that was really taken. */
export function urlOf(app: FastifyInstance, host: string): string {
  const address = app.server.address()
  if (typeof address !== 'object' || address === null)
    throw new Error('The server does not listen on a port.')
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}
