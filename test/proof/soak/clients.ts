import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import WebSocket from 'ws'
import type { Cluster } from '../../support/cluster.ts'
import { inParallel, someNode, someOf } from '../prove/population.ts'
import { asksWho, type Operation } from '../prove/send.ts'
import { type Asked, ask, isShed, type Kind } from './ask.ts'

interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
  readonly session: { readonly id: string }
}

interface Account extends Tokens {
  readonly email: string
  readonly password: string
}

interface RefreshingSession {
  readonly refreshToken: string
  /** Of the next refresh. */
  readonly attempt: string
}

const fields = 'accessToken refreshToken session { id }'
const logins = `mutation ($input: LoginInput!) { made: login(input: $input) { ${fields} } }`
const accountCount = 20
/** Sessions that wait to be revoked. More are not needed. */
const mostReady = 100
const tokensRemembered = 10_000

/** The clients of the soak: each kind of request, and what its answer must be. */
export class Clients {
  readonly counts = { admitted: 0, shed: 0, revocations: 0, checks: 0, sockets: 0 }
  /** Microseconds from sending a request to its whole answer, as its client sees it. */
  readonly times = { admitted: createHistogram(), shed: createHistogram() }
  /** Revoked tokens that were accepted after the revocation had returned. */
  readonly acceptedLate: string[] = []
  /** Answers that are neither right nor a refusal for want of room. */
  readonly complaints: string[] = []
  readonly #cluster: Cluster
  readonly #accounts: readonly Account[]
  /** Sessions of which each refreshes once at a time. */
  readonly #refreshing: RefreshingSession[]
  readonly #ready: (Tokens & { readonly account: Account })[] = []
  readonly #revoked: string[] = []
  #turn = 0

  private constructor(cluster: Cluster, accounts: readonly Account[], refreshing: readonly Tokens[]) {
    this.#cluster = cluster
    this.#accounts = accounts
    this.#refreshing = refreshing.map(sessionOf)
  }

  static async open(cluster: Cluster): Promise<Clients> {
    const accounts: Account[] = []
    const refreshing: Tokens[] = []
    await inParallel(4, [...Array(accountCount).keys()], async () => {
      const email = `${randomBytes(8).toString('hex')}@example.com`
      const password = `password ${randomBytes(9).toString('base64url')}`
      const query = `mutation ($input: RegisterInput!) { made: register(input: $input) { ${fields} } }`
      const registered = await patiently(someNode(cluster).url, 'register', {
        query,
        variables: { input: { email, password } },
      })
      const account = { email, password, ...tokensOf(registered) }
      accounts.push(account)
      for (let times = 0; times < 3; times++)
        refreshing.push(tokensOf(await patiently(someNode(cluster).url, 'login', login(account))))
    })
    return new Clients(cluster, accounts, refreshing)
  }

  /**
   * Shows each node as many different tokens as it remembers the signatures of (tokens/verifiedTokens.ts). Otherwise the memory
   * for them would grow during the soak.
   */
  async fillCaches(): Promise<void> {
    await inParallel(16, [...Array(tokensRemembered).keys()], async () => {
      const session = this.#refreshing.pop()
      if (session === undefined) throw new Error('There are fewer sessions than requests at a time.')
      const tokens = tokensOf(await patiently(someNode(this.#cluster).url, 'refresh', refresh(session)))
      for (const { url } of this.#cluster.nodes)
        await patiently(url, 'query', { query: asksWho, token: tokens.accessToken })
      this.#refreshing.unshift(sessionOf(tokens))
    })
  }

  /** One act of the mix. In a hundred: 80 queries, 14 refreshes, 2 log-ins, 2 revocations, 2 sockets. */
  async act(): Promise<void> {
    // 37 and 100 have no common factor: the kinds are spread evenly.
    const kind = (this.#turn++ * 37) % 100
    if (kind < 80) await this.#query()
    else if (kind < 94) await this.#refresh()
    else if (kind < 96) await this.#login()
    else if (kind < 98) await this.#revoke()
    else await this.#socket()
  }

  /** At the end: no revoked token is accepted anywhere, and every other one is. */
  async checkAll(): Promise<void> {
    await inParallel(8, this.#revoked, token => this.#isRefusedEverywhere(token))
    await inParallel(8, this.#accounts, async ({ accessToken }) => {
      for (const { url } of this.#cluster.nodes)
        this.#count(await patiently(url, 'check', { query: asksWho, token: accessToken }))
    })
  }

  async #query(): Promise<void> {
    this.#count(await this.#ask('query', { query: asksWho, token: someOf(this.#accounts).accessToken }))
  }

  async #refresh(): Promise<void> {
    const session = this.#refreshing.pop()
    if (session === undefined) return this.#query()
    const answer = await this.#ask('refresh', refresh(session))
    // An attempt that was not admitted is made again.
    const next = this.#count(answer) ? sessionOf(tokensOf(answer)) : session
    this.#refreshing.unshift(next)
  }

  async #login(): Promise<void> {
    const account = someOf(this.#accounts)
    const answer = await this.#ask('login', login(account))
    if (this.#count(answer) && this.#ready.length < mostReady)
      this.#ready.push({ account, ...tokensOf(answer) })
  }

  async #revoke(): Promise<void> {
    const found = this.#ready.pop()
    if (found === undefined) return this.#login()
    const { account, accessToken, refreshToken, session } = found
    const answer = await this.#ask(
      'revoke',
      someOf<Operation>([
        { query: 'mutation { logout }', token: accessToken },
        { query: 'mutation ($t: String!) { logout(refreshToken: $t) }', variables: { t: refreshToken } },
        {
          query: 'mutation ($id: ID!) { revokeSession(id: $id) }',
          variables: session,
          token: account.accessToken,
        },
      ]),
    )
    if (!this.#count(answer)) return void this.#ready.push(found)
    this.counts.revocations++
    await this.#isRefusedEverywhere(accessToken)
    this.#revoked.push(accessToken)
    if (this.#revoked.length > 500) this.#revoked.shift()
  }

  async #isRefusedEverywhere(token: string): Promise<void> {
    await Promise.all(
      this.#cluster.nodes.map(async ({ name, url }) => {
        const { status, text } = await patiently(url, 'check', { query: asksWho, token })
        this.counts.checks++
        if (status === 401) return
        if (status === 200 && !text.includes('"errors"')) this.acceptedLate.push(`Node ${name}: ${text}`)
        else this.#complain({ status, text })
      }),
    )
  }

  /** A socket that asks once, lives for a moment, and is closed. A full server may refuse it. */
  async #socket(): Promise<void> {
    const { url } = someNode(this.#cluster)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    const authorization = `Bearer ${someOf(this.#accounts).accessToken}`
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => socket.terminate(), 30_000)
      socket.on('open', () =>
        socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } })),
      )
      socket.on('message', data => {
        const { type, payload } = JSON.parse(String(data))
        if (type === 'connection_ack')
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: asksWho } }))
        if (type === 'next' && payload.data?.me?.id) this.counts.sockets++
        else if (String(data).includes('"UNAVAILABLE"')) this.counts.shed++
        else if (type === 'next' || type === 'error') this.#complain({ status: 101, text: String(data) })
        if (type === 'complete' || type === 'error') setTimeout(() => socket.close(), 500)
      })
      socket.on('unexpected-response', (_request, response) => {
        if (response.statusCode === 503 || response.statusCode === 429) this.counts.shed++
        else this.#complain({ status: response.statusCode ?? 0, text: 'A socket was refused.' })
        socket.terminate()
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #ask(kind: Kind, operation: Operation): Promise<Asked> {
    return ask(someNode(this.#cluster).url, kind, operation)
  }

  /** @returns whether it was carried out */
  #count(answer: Asked): boolean {
    const microseconds = Math.max(1, Math.round(answer.ms * 1000))
    this.times[isShed(answer) ? 'shed' : 'admitted'].record(microseconds)
    if (isShed(answer)) {
      this.counts.shed++
      if (!(Number(answer.retryAfter) > 0)) this.#complain({ ...answer, text: 'No Retry-After.' })
      return false
    }
    const isRight = answer.status === 200 && !answer.text.includes('"errors"')
    if (isRight) this.counts.admitted++
    else this.#complain(answer)
    return isRight
  }

  #complain({ status, text }: { status: number; text: string }): void {
    if (this.complaints.length < 100) this.complaints.push(`${status} ${text}`)
  }
}

/** Asks again as long as the server has no room. */
async function patiently(url: string, kind: Kind, operation: Operation): Promise<Asked> {
  const end = performance.now() + 60_000
  for (;;) {
    const answer = await ask(url, kind, operation)
    if (!isShed(answer) || performance.now() > end) return answer
    await delay(20 + Math.random() * 30)
  }
}

function login({ email, password }: Account): Operation {
  return { query: logins, variables: { input: { email, password } } }
}

function refresh({ refreshToken, attempt }: RefreshingSession): Operation {
  const query = `mutation ($refreshToken: String!, $attempt: String!) {
    made: refresh(refreshToken: $refreshToken, attempt: $attempt) { ${fields} } }`
  return { query, variables: { refreshToken, attempt } }
}

function sessionOf({ refreshToken }: Tokens): RefreshingSession {
  return { refreshToken, attempt: randomBytes(18).toString('base64url') }
}

function tokensOf({ status, text }: Asked): Tokens {
  const { data } = JSON.parse(text) as { data?: { made?: Tokens } | null }
  if (!data?.made) throw new Error(`No tokens: ${status} ${text}`)
  // globalTeardown.js looks for these in the log.
  if (process.env.TEST_LOG)
    appendFileSync(`${process.env.TEST_LOG}.secrets`, `${data.made.accessToken}\n${data.made.refreshToken}\n`)
  return data.made
}
