import { randomUUID } from 'node:crypto'
import fastifyJwt from '@fastify/jwt'
import { fastify } from 'fastify'
import { mercurius } from 'mercurius'
import mercuriusAuth from 'mercurius-auth'
import { peerCalls } from '../support/peer.js'

/* mercurius-auth with @fastify/jwt, as its documentation puts them together. A token can't be ended. */

const schema = `
  directive @auth on OBJECT | FIELD_DEFINITION
  type Query { open: User! me: User! @auth }
  type User { id: ID! }`
const openUser = { id: '00000000-0000-4000-8000-000000000000' }

/** @param settings ANNUL_SECRET */
export async function start({ ANNUL_SECRET: secret }) {
  const app = fastify()
  await app.register(fastifyJwt, { secret })
  const resolvers = {
    Query: { open: () => openUser, me: (_source, _input, { auth }) => ({ id: auth.identity.sub }) },
  }
  await app.register(mercurius, { schema, resolvers })
  await app.register(mercuriusAuth, {
    authContext: async ({ reply }) => {
      try {
        return { identity: await reply.request.jwtVerify() }
      } catch {
        return { identity: null }
      }
    },
    applyPolicy: async (_directive, _source, _input, { auth }) => auth.identity !== null,
    authDirective: 'auth',
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const signIn = async () => ({
    authorization: `Bearer ${app.jwt.sign({}, { sub: randomUUID(), expiresIn: 3600 })}`,
  })
  return { url, calls: peerCalls(signIn) }
}
