/*
 * What the page sees of its own tokens: each mutation of annul/client's that answers with tokens, when, why, and what came
 * of it. Kept in memory alone, like the access token itself, for the room "Explore" to show.
 */

/** What led to new tokens: a mutation of the client's, or for a refresh the cause of it. */
export type Why =
  | 'login'
  | 'register'
  | 'resetPassword'
  | 'completeLogin'
  | 'passkeyLogin'
  | 'changePassword'
  | 'revokeOtherSessions'
  | 'reauthenticate'
  | 'reauthenticateWith'
  /** The page was opened, and had no access token yet. */
  | 'opened'
  /** The access token was about to expire, or had expired. */
  | 'due'
  /** The person made the page forget its token. */
  | 'forgotten'
  /** The person asked for a refresh. */
  | 'asked'
  /** The server refused the access token. */
  | 'refused'
  /** Another window of this browser got the token, and shared it. */
  | 'shared'

export interface TokenChange {
  readonly id: number
  /** As RFC 3339 writes it. */
  readonly at: string
  readonly why: Why
  /** The reason of the refusal that led to a refresh. */
  readonly reason?: string | undefined
  readonly outcome: 'running' | 'done' | 'failed'
  /** Why there are no new tokens: the code, and the reason where there is one. */
  readonly failure?: string | undefined
  /** The access token before, and the new one. */
  readonly former?: string | undefined
  readonly token?: string | undefined
}

/** The access token that the session has now. */
export interface PresentToken {
  readonly token: string
  /** When it arrived, by `performance.now()`: the token's times are the server's, and this device's clock may differ. */
  readonly since: number
}

/** How many changes the page remembers. */
const kept = 30
/** The client's own documents that answer with tokens. A person's operation is written in another way. */
const ownMutation =
  /^{"query":"mutation(?:\([^)]*\))?{(refresh|login|register|resetPassword|completeLogin|passkeyLogin|changePassword|revokeOtherSessions|reauthenticate(?:With)?)\b/

let changes: readonly TokenChange[] = []
let present: PresentToken | undefined
/** The newest token of the session, also after the page has forgotten it. */
let newest: string | undefined
let cause: { readonly why: Why; readonly reason?: string | undefined } = { why: 'opened' }
let lastId = 0
const listeners = new Set<() => void>()

function show(next: readonly TokenChange[]): void {
  changes = next === changes ? changes : next.slice(0, kept)
  for (const listener of listeners) listener()
}

/** The newest first. The array stays the same until something changes. */
export const tokenChanges = (): readonly TokenChange[] => changes

export function onTokenChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Says what the next refresh will be for. */
export function expectRefresh(why: 'asked' | 'forgotten'): void {
  cause = { why }
}

/** The server has refused the token. The next refresh is for that. */
export function noteRefusal(reason: string | undefined): void {
  cause = { why: 'refused', reason }
}

/** The access token that the session has now; undefined: none. The object stays the same until the token changes. */
export const presentToken = (): PresentToken | undefined => present

/** Notes the token that the session has now. One that no answer to the client has brought came another way. */
export function noteToken(token: string | undefined): void {
  if (token === newest && token === present?.token) return
  const isKnown = token === undefined || changes.some(change => change.token === token)
  const former = newest
  newest = token
  present = token === undefined ? undefined : { token, since: performance.now() }
  if (isKnown) show(changes)
  else begin('shared', { outcome: 'done', former, token })
}

/** The page has forgotten its token, on the wish of the person. */
export function noteForgotten(): void {
  expectRefresh('forgotten')
  present = undefined
  show(changes)
}

/** After a sign-out nothing of the former session stays. */
export function clearTokenLog(): void {
  present = newest = undefined
  show([])
}

/** The global `fetch`, for `createSession`, with a note about each answer of the endpoint. */
export const watchedFetch: typeof globalThis.fetch = async (input, init) => {
  const [, field] = (typeof init?.body === 'string' && ownMutation.exec(init.body)) || []
  const change = field === undefined ? undefined : begin(...whyOf(field))
  try {
    const response = await globalThis.fetch(input, init)
    void read(response, change)
    return response
  } catch (error) {
    if (change) end(change, { outcome: 'failed', failure: 'UNREACHABLE' })
    throw error
  }
}

function whyOf(field: string): [Why, { reason?: string | undefined }?] {
  if (field !== 'refresh') return [field as Why]
  const { why, reason } = cause
  cause = { why: 'due' }
  return [why, { reason }]
}

function begin(why: Why, given: Partial<TokenChange> = {}): TokenChange {
  const change: TokenChange = {
    id: ++lastId,
    at: new Date().toISOString(),
    why,
    outcome: 'running',
    former: newest,
    ...given,
  }
  show([change, ...changes])
  return change
}

function end({ id }: TokenChange, outcome: Partial<TokenChange>): void {
  if (outcome.token) {
    newest = outcome.token
    present = { token: outcome.token, since: performance.now() }
  }
  show(changes.map(change => (change.id === id ? { ...change, ...outcome } : change)))
}

async function read(response: Response, change: TokenChange | undefined): Promise<void> {
  if (!/\bjson\b/.test(response.headers.get('content-type') ?? ''))
    return change && end(change, { outcome: 'failed', failure: `HTTP ${response.status}` })
  const answer = await response
    .clone()
    .json()
    .catch(() => undefined)
  const { data, errors } = Object(answer)
  const [{ code, reason } = {} as Record<string, string>] = [errors ?? []].flat().map(codesOf)
  if (!change) {
    if (code === 'UNAUTHENTICATED') noteRefusal(reason)
    return
  }
  const token = Object.values(Object(data)).map(value => Object(value).accessToken)[0]
  if (typeof token === 'string') end(change, { outcome: 'done', token })
  else end(change, { outcome: 'failed', failure: [code, reason].filter(Boolean).join(' ') })
}

function codesOf(error: unknown): Record<string, string> {
  return Object(Object(error).extensions)
}
