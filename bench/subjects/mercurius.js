import { fastify } from 'fastify'
import { mercurius } from 'mercurius'
import { insidesOf, openAuth, withoutInsides } from '../../dist/auth.js'
import { readConfig } from '../../dist/index.js'
import { annulMercurius } from '../../dist/servers/mercurius.js'
import { openExtension, requests } from './annul.js'

/* Annul in an app on Mercurius, with the fields of Annul's own server in this bench. */

const log = { info() {}, warn() {}, error() {} }

/** @param settings environment variables; jit: whether Mercurius compiles documents */
export async function start({ jit = false, ...settings }) {
  const auth = withoutInsides(await openAuth(readConfig(settings), log))
  const app = fastify()
  await app.register(mercurius, {
    schema: auth.schema(openExtension),
    ...annulMercurius(auth),
    ...(jit && { jit: 1 }),
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, calls: { requests: requests(insidesOf(auth)) } }
}
