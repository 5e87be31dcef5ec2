import type postgres from 'postgres'
import {
  covers,
  findViolations,
  type RecordedToken,
  type RequestRecord,
  type RevocationRecord,
  type Violation,
} from '../../support/linearizability.ts'
import { isOutage } from './send.ts'

export interface SentRevocation extends RevocationRecord {
  returned: number | undefined
  /** The reason for which tokens are refused that the revocation covers. */
  readonly reason: string
}

export interface Verdict {
  /** Acceptances that started after a revocation had returned. */
  readonly violations: readonly Violation[]
  /** Anything else that must not happen to a client, as sentences. */
  readonly complaints: readonly string[]
  readonly requests: number
  readonly accepted: number
  readonly unavailable: number
  /** Revocations that returned: the promise was made so often. */
  readonly revocations: number
  /** Requests that started after a revocation of their token had returned: the promise was tested so often. */
  readonly tests: number
  /** Mutations of tokens that a revocation covers: so many have committed. */
  readonly writes: number
  /** Those that committed after the revocation of their token had returned. */
  readonly lateWrites: readonly Violation[]
}

/** A mutation that ends a session, and leaves a row that tells when it has committed. */
interface Write {
  readonly token: RecordedToken
  readonly session: string
}

/** The commit's time is of the wall clock, the answers' times are of the monotonic clock of the same machine. */
const clocksApartMs = 5

/** Everything that the clients of a trial have sent and seen. */
export class Records {
  readonly requests: RequestRecord[] = []
  readonly revocations: SentRevocation[] = []
  /** `revokedOnAllNodesMs` of each revoking mutation that answered. */
  readonly waits: number[] = []
  /** Mutations that were sent, whatever the answer was. */
  readonly writes: Write[] = []
  #commits: RequestRecord[] = []
  readonly #complaints = new Set<string>()

  complain(of: string): void {
    this.#complaints.add(of)
  }

  /** Asks the rows which mutations have committed, and when. PostgreSQL runs with `track_commit_timestamp`. */
  async readCommits(sql: postgres.Sql): Promise<void> {
    const rows = await sql<{ session: string; ms: number }[]>`
      select session_id as session, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as ms
      from annul.audit_events
      where kind = 'revoke-session' and session_id = any (${this.writes.map(({ session }) => session)}::uuid[])`
    const committed = new Map(rows.map(({ session, ms }) => [session, ms - performance.timeOrigin]))
    this.#commits = this.writes.flatMap(({ token, session }) => {
      const end = committed.get(session)
      // As a request that was accepted at the moment of its commit.
      const start = end === undefined ? undefined : end - clocksApartMs
      return start === undefined ? [] : [{ start, end: start, node: 'commit', token, verdict: 'accepted' }]
    })
  }

  verdict(): Verdict {
    const { requests, revocations } = this
    const returned = revocations.filter(revocation => revocation.returned !== undefined)
    const bySubject = new Map<string, SentRevocation[]>()
    for (const revocation of revocations) {
      const subject = subjectOf(revocation)
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), revocation])
    }
    let tests = 0
    for (const { token, start, end, node, verdict } of requests) {
      const covering = ['', token.user, token.session]
        .flatMap(subject => bySubject.get(subject) ?? [])
        .filter(({ what }) => covers(what, token))
      if (covering.some(revocation => (revocation.returned ?? Number.POSITIVE_INFINITY) < start)) tests++
      if (verdict === 'accepted' || isOutage(verdict)) continue
      if (!covering.some(revocation => revocation.start <= end && revocation.reason === verdict))
        this.complain(`Node ${node} refused a token that nobody had revoked: ${verdict}.`)
    }
    return {
      violations: findViolations(requests, revocations),
      complaints: [...this.#complaints],
      requests: requests.length,
      accepted: requests.filter(({ verdict }) => verdict === 'accepted').length,
      unavailable: requests.filter(({ verdict }) => isOutage(verdict)).length,
      revocations: returned.length,
      tests,
      writes: this.#commits.length,
      lateWrites: findViolations(this.#commits, revocations),
    }
  }
}

function subjectOf({ what }: SentRevocation): string {
  if (what.kind === 'session') return what.session
  return what.kind === 'user' ? what.user : ''
}
