import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { epochs, users } from '../../dist/database/tables.js'
import { transactInOne } from '../../dist/database/transact.js'
import { openAuthenticator } from '../../dist/decisions/authenticate.js'
import { openStrictReader } from '../../dist/decisions/strictReader.js'
import { openServer } from '../../dist/http/server.js'
import { readConfig } from '../../dist/index.js'
import { stateOf } from '../../dist/request/context.js'
import { createService } from '../../dist/services/createService.js'
import { logoutByRefreshToken } from '../../dist/sessions/logout.js'
import { openSession } from '../../dist/sessions/openSession.js'
import { refresh } from '../../dist/sessions/refresh.js'
import { hashesAlone } from '../support/hashes.js'
import { ask, logoutMutation } from '../support/peer.js'

/* Annul as it is, with one field of an app beside it that asks for nobody. */

const openUser = { id: '00000000-0000-4000-8000-000000000000' }
export const openExtension = {
  typeDefs: 'extend type Query { open: OpenUser! } type OpenUser { id: ID! }',
  resolvers: { Query: { open: () => openUser } },
}

const password = 'correct horse battery staple'

/** @param settings environment variables */
export async function start(settings) {
  const startedAt = performance.now()
  const server = await openServer(readConfig({ PORT: '0', ...settings }), {
    extension: openExtension,
    // Lines are made as always, and thrown away: a disk is not measured here.
    logStream: { write() {} },
  })
  const bare = postgres(settings.DATABASE_URL, bareSettings)
  const { auth, url } = server
  const calls = {
    requests: requests(auth),
    sessions: sessions(auth),
    service: async input => (await createService(auth.parts, input)).secret,
    untilFresh: () => untilFresh(auth, startedAt),
    decisions: decisions(auth),
    logouts: logouts(auth),
    refreshes: refreshes(auth),
    signatures: signatures(auth),
    hashes: hashesAlone(() => auth.parts.passwords.hash(password), password),
    updates: updates(bare),
  }
  return { url, calls }
}

/** A request as the server's context sees it. */
function context(auth, headers = {}) {
  const request = { socket: { remoteAddress: '127.0.0.1' }, headers: { 'user-agent': 'bench', ...headers } }
  return auth.context(request, { appendHeader() {} }).auth
}

/**
 * As many users, each with its request for the field. The token goes to unguarded ones too: the guard is the only
 * difference. Nothing is fetched for that: a process that has fetched keeps a request's garbage for longer from then on.
 */
export function requests(auth) {
  const signIn = sessions(auth)
  return async ({ field, count }) => {
    const signedIn = await signIn({ count })
    return signedIn.map(({ headers }) => ({ ...ask(field), headers }))
  }
}

/** As many live sessions, each of a user of its own, without the hashing that registering would cost. */
function sessions(auth) {
  const { parts } = auth
  const { visitor } = stateOf(context(auth))
  const one = async epoch => {
    const id = randomUUID()
    const [user] = await parts.db
      .insert(users)
      .values({ id, email: `${id}@example.com`, emailKey: `${id}@example.com` })
      .returning()
    const checked = { user, epoch, readAt: parts.clock.now() }
    const options = { cookie: false, event: { kind: 'login', userId: id } }
    const open = tx => openSession(parts, tx, visitor, checked, options)
    const { accessToken, refreshToken } = await transactInOne(parts, open)
    return { headers: { authorization: `Bearer ${accessToken}` }, logout: logoutMutation, refreshToken }
  }
  return async ({ count }) => {
    const [{ epoch }] = await parts.db.select().from(epochs)
    const made = []
    await repeat({ workers: 20, times: count }, async () => made.push(await one(epoch)))
    return made
  }
}

/** Milliseconds from the start of the server until it decides from memory, and how many entries that holds. */
async function untilFresh({ parts: { revocation } }, startedAt) {
  while (!revocation.isFresh()) await sleep(1)
  return { ms: performance.now() - startedAt, entries: revocation.view.size }
}

/**
 * What a decision costs: microseconds from the token to who it is, per batch of `batch` decisions, the visitor given.
 * Tokens seen first are new ones, never met before.
 */
function decisions(auth) {
  const { parts } = auth
  const authenticator = openAuthenticator(parts, openStrictReader(parts.decisions, parts.clock))
  return async ({ accessToken, batches, batch }) => {
    const { visitor } = stateOf(context(auth))
    const claims = await viewerClaims(auth, accessToken)
    const timed = tokens => {
      const start = performance.now()
      for (const token of tokens) {
        const decision = authenticator.decide(visitor, token)
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
  const { visitor } = stateOf(context(auth))
  return async ({ tokens, ms, times }) => {
    const current = [...tokens]
    const measured = await repeat({ workers: tokens.length, ms, times }, async index => {
      const attempt = randomBytes(24).toString('base64url')
      const next = await refresh(parts, visitor, { refreshToken: current[index], attempt })
      current[index] = next.refreshToken
    })
    return { ...measured, tokens: current }
  }
}

/** Logouts, called without HTTP and GraphQL: with the wait for all nodes, or the transactions alone. */
function logouts(auth) {
  const { visitor } = stateOf(context(auth))
  const withoutWait = {
    ...auth.parts,
    revocation: { barrier: async () => 0 },
    fences: { drained: async () => 0 },
  }
  return async ({ sessions, workers, waits }) => {
    const left = [...sessions]
    const milliseconds = []
    const measured = await repeat({ workers, times: sessions.length }, async () => {
      const { refreshToken } = left.pop()
      const start = performance.now()
      await logoutByRefreshToken(waits ? auth.parts : withoutWait, visitor, refreshToken)
      milliseconds.push(performance.now() - start)
    })
    return { ...measured, milliseconds }
  }
}

/** Access tokens, signed one after the other. */
function signatures(auth) {
  const { sign } = auth.parts.accessTokens
  return async ({ accessToken, ms }) => {
    const claims = await viewerClaims(auth, accessToken)
    return repeat({ workers: 1, ms }, async () => {
      // Read a moment ago, as those of a refresh.
      sign({ ...claims, iat: Math.floor(auth.parts.clock.now()) })
      await new Promise(setImmediate)
    })
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
    const measured = await repeat({ workers: sessions.length, ms }, async index => {
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

/** So many workers, each again and again for `ms`, or `times` in total. */
async function repeat({ workers, ms = Number.POSITIVE_INFINITY, times = Number.POSITIVE_INFINITY }, work) {
  const start = performance.now()
  let begun = 0
  let count = 0
  await Promise.all(
    Array.from({ length: workers }, async (_, index) => {
      while (begun < times && performance.now() - start < ms) {
        begun++
        await work(index)
        count++
      }
    }),
  )
  return { count, perSecond: (count / (performance.now() - start)) * 1000 }
}
