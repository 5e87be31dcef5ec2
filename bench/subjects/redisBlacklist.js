import { createSecretKey, randomUUID } from 'node:crypto'
import Redis from 'ioredis'
import jwt from 'jsonwebtoken'
import { bearerToken, peerCalls, startPeer } from '../support/peer.js'

/* The usual recipe: a token that logged out is put on a list in Redis, and every request looks there. */

const lifeSeconds = 3600

/** @param settings REDIS_URL, ANNUL_SECRET, keyMadeOnce: the secret is no text, which jsonwebtoken parses each time */
export async function start({ REDIS_URL, ANNUL_SECRET, keyMadeOnce }) {
  const secret = keyMadeOnce ? createSecretKey(ANNUL_SECRET, 'utf8') : ANNUL_SECRET
  const redis = new Redis(REDIS_URL)

  const context = async request => {
    const token = bearerToken(request)
    if (!token) return { user: null }
    try {
      const payload = jwt.verify(token, secret, { algorithms: ['HS256'] })
      const revoked = await redis.get(`blacklist:${token}`)
      return revoked ? { user: null } : { user: { id: payload.sub }, token }
    } catch {
      return { user: null }
    }
  }

  const logout = async ({ token }) => {
    await redis.set(`blacklist:${token}`, '1', 'EX', lifeSeconds)
    return true
  }

  const signIn = async () => {
    const token = jwt.sign({}, secret, { subject: randomUUID(), expiresIn: lifeSeconds })
    return { authorization: `Bearer ${token}` }
  }

  return { url: await startPeer({ context, logout }), calls: peerCalls(signIn) }
}
