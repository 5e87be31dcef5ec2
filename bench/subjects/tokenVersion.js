import { createSecretKey, randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import postgres from 'postgres'
import { bearerToken, peerCalls, startPeer } from '../support/peer.js'

/* The usual recipe: the token carries its user's version, and every request reads the column. */

/** @param settings DATABASE_URL, ANNUL_SECRET, keyMadeOnce: the secret is no text, which jsonwebtoken parses each time */
export async function start({ DATABASE_URL, ANNUL_SECRET, keyMadeOnce }) {
  const secret = keyMadeOnce ? createSecretKey(ANNUL_SECRET, 'utf8') : ANNUL_SECRET
  const sql = postgres(DATABASE_URL, {
    max: 10,
    onnotice: () => {},
    connection: { application_name: 'tokenVersion' },
  })
  await sql`
    create table if not exists users (id uuid primary key, token_version integer not null default 1)`

  const context = async request => {
    const token = bearerToken(request)
    if (!token) return { user: null }
    try {
      const payload = jwt.verify(token, secret, { algorithms: ['HS256'] })
      const [user] = await sql`select token_version from users where id = ${payload.sub}`
      return { user: user?.token_version === payload.version ? { id: payload.sub } : null }
    } catch {
      return { user: null }
    }
  }

  const logout = async ({ user }) => {
    await sql`update users set token_version = token_version + 1 where id = ${user.id}`
    return true
  }

  const signIn = async () => {
    const id = randomUUID()
    const [{ token_version: version }] = await sql`
      insert into users (id) values (${id}) returning token_version`
    const token = jwt.sign({ version }, secret, { subject: id, expiresIn: '1h' })
    return { authorization: `Bearer ${token}` }
  }

  return { url: await startPeer({ context, logout }), calls: peerCalls(signIn) }
}
