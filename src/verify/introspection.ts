import { isReason, type Reason } from '../errors.ts'
import type { Log } from '../log.ts'
import { deepFreeze } from '../tokens/deepFreeze.ts'
import type { ViewerClaims } from '../viewer.ts'
import { NoAnswer } from './noAnswer.ts'
import { at, type CheckedFeedOptions } from './options.ts'

/** What a node says about a token: the claims of a live one, or why it is dead. */
export type Introspected = ViewerClaims | Reason

/** For all nodes together. */
const answerMs = 1000
/** A flood of requests during an outage must not pile up. */
const mostAtOnce = 1000
/** An answer holds the claims of one token. */
const mostAnswerBytes = 65_536
const toldEveryMs = 30_000

/**
 * Asks auth nodes about tokens (RFC 7662): by a request of its own for each question, sent after the question, and never
 * remembered. So a token is refused that was revoked before the question, whatever this process has heard.
 */
export class Introspection {
  readonly #options: Pick<CheckedFeedOptions, 'nodes' | 'service' | 'log'>
  /** The node that answered last. */
  #node = 0
  #asking = 0
  readonly #told = new Map<string, number>()

  constructor(options: Pick<CheckedFeedOptions, 'nodes' | 'service' | 'log'>) {
    this.#options = options
  }

  /** @throws NoAnswer */
  async ask(token: string): Promise<Introspected> {
    if (this.#asking >= mostAtOnce) throw new NoAnswer('Too many tokens are asked about.')
    this.#asking++
    try {
      return await this.#askNodes(token)
    } finally {
      this.#asking--
    }
  }

  async #askNodes(token: string): Promise<Introspected> {
    const { nodes } = this.#options
    const end = performance.now() + answerMs
    const first = this.#node
    for (let turn = 0; turn < nodes.length; turn++) {
      const index = (first + turn) % nodes.length
      const node = nodes[index]
      const leftMs = end - performance.now()
      if (node === undefined || leftMs <= 0) break
      // A node that does not answer leaves time for the next.
      const answer = await this.#askNode(node, token, turn === nodes.length - 1 ? leftMs : leftMs / 2)
      if (answer !== undefined) {
        this.#node = index
        return answer
      }
    }
    throw new NoAnswer('No node has answered.')
  }

  /** @returns undefined where the node gives no answer that can be used */
  async #askNode(node: URL, token: string, patienceMs: number): Promise<Introspected | undefined> {
    try {
      const response = await fetch(at(node, '/oauth/introspect'), {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#options.service}`, accept: 'application/json' },
        body: new URLSearchParams({ token }),
        // Otherwise whoever can redirect would get tokens.
        redirect: 'error',
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(patienceMs))),
      })
      if (response.status === 200) return readAnswer(await readText(response))
      await response.body?.cancel()
      if (response.status < 500) this.#tell(node, `it answered with ${response.status}`)
    } catch (error) {
      this.#tell(node, nameOf(error))
    }
    return undefined
  }

  #tell(node: URL, why: string): void {
    const text = `${node.host} ${why}`
    const now = performance.now()
    if (now - (this.#told.get(text) ?? Number.NEGATIVE_INFINITY) < toldEveryMs) return
    this.#told.set(text, now)
    tell(this.#options.log, node, why)
  }
}

/** Of an error of `fetch`, whose cause names what happened. The message may hold what was sent. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = Object(error.cause)
  return typeof code === 'string' ? code : error.name
}

function tell(log: Log, node: URL, why: string): void {
  const details = { node: node.origin, why }
  if (/answered with 40[13]/.test(why))
    log.error(
      details,
      "A node refuses this service's secret, or its right to introspect: nobody is let in by it.",
    )
  else log.warn(details, 'A node can not be asked about a token.')
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > mostAnswerBytes) throw new NoAnswer('An answer is too long.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** @returns undefined for what is no answer of Annul's */
function readAnswer(text: string): Introspected | undefined {
  const answer: Readonly<Record<string, unknown>> = Object(JSON.parse(text))
  if (answer.active === false) {
    const reason = answer.annul_reason
    return typeof reason === 'string' && isReason(reason) ? reason : 'TOKEN_INVALID'
  }
  if (answer.active !== true) return undefined
  // A refresh token is live, too, and lets nobody in.
  if (answer.token_type !== 'Bearer') return 'TOKEN_INVALID'
  const { active: _active, token_type: _type, ...claims } = answer
  return readClaims(claims)
}

/** The claims of a former system's token lack a session. */
function readClaims({ sid = null, ...claims }: Readonly<Record<string, unknown>>): ViewerClaims | undefined {
  const isWhole =
    typeof claims.sub === 'string' &&
    (sid === null || typeof sid === 'string') &&
    typeof claims.scope === 'string' &&
    isTexts(claims.roles) &&
    [claims.amr, claims.mfa_roles].every(list => list === undefined || isTexts(list)) &&
    [claims.exp, claims.auth_time].every(time => typeof time === 'number')
  return isWhole ? (deepFreeze({ ...claims, sid }) as unknown as ViewerClaims) : undefined
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}
