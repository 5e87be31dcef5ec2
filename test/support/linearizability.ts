/*
 * The promise of revocation, checked on recorded requests: no request is accepted that started after a revoking
 * mutation had returned which covers its token. Requests that overlap the mutation may go either way.
 *
 * All times are of one clock that every recorder shares (of one machine the monotonic clock of its processes,
 * `process.hrtime.bigint()` as a number of milliseconds), in any unit.
 */

/** The claims of an access token that revocations cover. */
export interface RecordedToken {
  readonly user: string
  readonly session: string
  readonly version: number
  readonly epoch: number
}

export interface RequestRecord {
  /** When the client began to send it. */
  readonly start: number
  readonly end: number
  readonly node: string
  readonly token: RecordedToken
  /** `accepted`, or the code or reason of the refusal. */
  readonly verdict: string
}

export type Revoked =
  | { readonly kind: 'session'; readonly session: string }
  | { readonly kind: 'user'; readonly user: string; readonly minVersion: number }
  | { readonly kind: 'everyone'; readonly minEpoch: number }

export interface RevocationRecord {
  readonly start: number
  /** When the client had the answer; undefined where no answer came, so that nothing was promised. */
  readonly returned: number | undefined
  readonly what: Revoked
}

export interface Violation {
  readonly request: RequestRecord
  /** The revocation of the token that had returned first. */
  readonly revocation: RevocationRecord
}

/** Every accepted request that started after a revocation of its token had returned. Takes O((n + m) log m). */
export function findViolations(
  requests: Iterable<RequestRecord>,
  revocations: Iterable<RevocationRecord>,
): Violation[] {
  const inOrder = [...revocations]
    .filter((record): record is RevocationRecord & { returned: number } => record.returned !== undefined)
    .sort((one, other) => one.returned - other.returned)
  const bySubject = new Map<string, (RevocationRecord & { returned: number })[]>()
  for (const record of inOrder) {
    const subject = subjectOf(record.what)
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), record])
  }

  const violations: Violation[] = []
  for (const request of requests) {
    if (request.verdict !== 'accepted') continue
    const { user, session } = request.token
    const first = [`session ${session}`, `user ${user}`, 'everyone']
      .flatMap(
        subject => (bySubject.get(subject) ?? []).find(({ what }) => covers(what, request.token)) ?? [],
      )
      .sort((one, other) => one.returned - other.returned)[0]
    if (first !== undefined && first.returned < request.start) violations.push({ request, revocation: first })
  }
  return violations
}

export function covers(what: Revoked, token: RecordedToken): boolean {
  if (what.kind === 'session') return what.session === token.session
  if (what.kind === 'user') return what.user === token.user && token.version < what.minVersion
  return token.epoch < what.minEpoch
}

function subjectOf(what: Revoked): string {
  if (what.kind === 'session') return `session ${what.session}`
  return what.kind === 'user' ? `user ${what.user}` : 'everyone'
}
