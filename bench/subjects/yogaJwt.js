import { randomUUID } from 'node:crypto'
import { createInlineSigningKeyProvider, useJWT } from '@graphql-yoga/plugin-jwt'
import { GraphQLError } from 'graphql'
import { createSchema, createYoga } from 'graphql-yoga'
import Redis from 'ioredis'
import jwt from 'jsonwebtoken'
import { peerCalls } from '../support/peer.js'
import { listen } from './yoga.js'

/* Yoga's own plugin for JSON Web Tokens, and the usual recipe for ending one: a list in Redis. */

const typeDefs = 'type Query { open: User! me: User! } type User { id: ID! }'
const openUser = { id: '00000000-0000-4000-8000-000000000000' }

/** @param settings REDIS_URL, ANNUL_SECRET, bare: without the plugin, for what is unguarded */
export async function start({ REDIS_URL, ANNUL_SECRET, bare }) {
  const redis = bare ? undefined : new Redis(REDIS_URL)
  const me = async (_source, _input, { jwt: verified }) => {
    const revoked = verified && (await redis.get(`blacklist:${verified.token.value}`))
    if (!verified || revoked)
      throw new GraphQLError('Sign in first.', { extensions: { code: 'UNAUTHENTICATED' } })
    return { id: verified.payload.sub }
  }
  const yoga = createYoga({
    schema: createSchema({ typeDefs, resolvers: { Query: { open: () => openUser, me } } }),
    plugins: [
      !bare &&
        useJWT({
          signingKeyProviders: [createInlineSigningKeyProvider(ANNUL_SECRET)],
          tokenVerification: { algorithms: ['HS256'] },
          reject: { missingToken: false, invalidToken: false },
        }),
    ],
    logging: false,
  })
  const signIn = async () => ({
    authorization: `Bearer ${jwt.sign({}, ANNUL_SECRET, { algorithm: 'HS256', subject: randomUUID(), expiresIn: 3600 })}`,
  })
  return { url: await listen(yoga), calls: peerCalls(signIn) }
}
