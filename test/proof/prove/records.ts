import {
  covers,
  findViolations,
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
}

/** Everything that the clients of a trial have sent and seen. */
export class Records {
  readonly requests: RequestRecord[] = []
  readonly revocations: SentRevocation[] = []
  /** `revokedOnAllNodesMs` of each revoking mutation that answered. */
  readonly waits: number[] = []
  readonly #complaints = new Set<string>()

  complain(of: string): void {
    this.#complaints.add(of)
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
    }
  }
}

function subjectOf({ what }: SentRevocation): string {
  if (what.kind === 'session') return what.session
  return what.kind === 'user' ? what.user : ''
}
