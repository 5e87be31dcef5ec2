import { createHash, randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { readConfig, startServer } from '../../dist/index.js'
import { refresh } from '../../dist/sessions/refresh.js'
import { registerMany } from '../support/accounts.js'

/* Annul as it is, with one field of an app beside it that asks for nobody. */

const typeDefs = 'extend type Query { open: OpenUser! } type OpenUser { id: ID! }'
const openUser = { id: '00000000-0000-4000-8000-000000000000' }

/** @param settings environment variables */
export async function start(settings) {
  const server = await startServer(readConfig({ PORT: '0', ...settings }), {
    extension: { typeDefs, resolvers: { Query: { open: () => openUser } } },
    // Lines are made as always, and thrown away: a disk is not measured here.
    logStream: { write() {} },
  })
  const bare = postgres(settings.DATABASE_URL, bareSettings)
  const { auth, url } = server
  const calls = {
    requests: requests(url),
    decisions: decisions(auth),
    refreshes: refreshes(auth),
    updates: updates(bare),
  }
  return { url, calls }
}

/** A request as the server's context sees it. */
function context(auth, headers = {}) {
  const request = { ip: '127.0.0.1', headers: { 'user-agent': 'bench', ...headers } }
  return auth.context(request, { appendHeader() {} }).auth
}

/** As many users, each with its request for the field. The token goes to unguarded ones too: the guard is the only difference. */
function requests(url) {
  return async ({ field, count }) => {
    const accounts = await registerMany(url, count)
    return accounts.map(({ accessToken }) => ({
      body: JSON.stringify({ query: `{ ${field} { id } }` }),
      headers: { authorization: `Bearer ${accessToken}` },
      expected: `{"data":{"${field}":{"id":"`,
    }))
  }
}

/**
 * What `@auth` costs in a request: microseconds from the headers to the decision, per batch of `batch` requests. Tokens
 * seen first are new ones, never met before.
 */
function decisions(auth) {
  return async ({ accessToken, batches, batch }) => {
    const { parts } = auth
    const claims = await viewerClaims(auth, accessToken)
    const timed = tokens => {
      const headers = tokens.map(token => ({ authorization: `Bearer ${token}` }))
      const start = performance.now()
      for (const header of headers) {
        const decision = context(auth, header).decide()
        if (decision.userId !== claims.sub) throw new Error('The view is not fresh, or the token is refused.')
      }
      return ((performance.now() - start) * 1000) / tokens.length
    }
    const measured = { remembered: [], first: [] }
    for (let done = 0; done < batches; done++) {
      const fresh = Array.from({ length: batch }, () => parts.accessTokens.sign(claims))
      measured.first.push(timed(fresh))
      measured.remembered.push(timed(fresh))
      // A turn of the event loop, so that the view stays fresh.
      await new Promise(setImmediate)
    }
    return measured
  }
}

async function viewerClaims(auth, accessToken) {
  const viewer = await context(auth, { authorization: `Bearer ${accessToken}` }).decide()
  // What the server adds by itself.
  const { iss: _iss, aud: _aud, client_id: _client, jti: _jti, ...claims } = viewer.claims
  return claims
}

/** The verb, called without HTTP and GraphQL. Answers with the tokens to go on with. */
function refreshes(auth) {
  const { parts } = auth
  const { visitor } = context(auth)
  return async ({ tokens, ms }) => {
    const current = [...tokens]
    const measured = await repeat(tokens.length, ms, async index => {
      const attempt = randomBytes(24).toString('base64url')
      const next = await refresh(parts, visitor, { refreshToken: current[index], attempt })
      current[index] = next.refreshToken
    })
    return { ...measured, tokens: current }
  }
}

/** As many connections as Annul's pool has, and what it needs of the settings. */
const bareSettings = {
  max: 10,
  fetch_types: false,
  onnotice: () => {},
  connection: { application_name: 'bench-bare', synchronous_commit: 'on' },
}

/**
 * The same UPDATE by the client alone. `parameters` are those of the statement, with 'session', 'generation' and
 * 'attempt' where these go.
 */
function updates(client) {
  return async ({ text, parameters, sessions, ms }) => {
    const generations = sessions.map(({ generation }) => generation)
    const measured = await repeat(sessions.length, ms, async index => {
      const values = {
        session: sessions[index].id,
        generation: generations[index],
        attempt: createHash('sha256').update(randomBytes(24).toString('base64url')).digest(),
      }
      const bound = parameters.map(parameter =>
        typeof parameter === 'string' ? values[parameter] : parameter.value,
      )
      const rows = await client.unsafe(text, bound, { prepare: true }).values()
      if (rows.length !== 1) throw new Error('The UPDATE changed nothing.')
      generations[index]++
    })
    return {
      ...measured,
      sessions: sessions.map(({ id }, index) => ({ id, generation: generations[index] })),
    }
  }
}

/** So many workers, each again and again for `ms`. */
async function repeat(workers, ms, work) {
  const start = performance.now()
  let count = 0
  await Promise.all(
    Array.from({ length: workers }, async (_, index) => {
      while (performance.now() - start < ms) {
        await work(index)
        count++
      }
    }),
  )
  return { count, perSecond: (count / (performance.now() - start)) * 1000 }
}
