import {
  covers,
  findViolations,
  type RequestRecord,
  type RevocationRecord,
  type Violation,
} from '../../support/linearizability.ts'
import { isOutage } from './send.ts'

export interface Kill extends RevocationRecord {
  returned: number | undefined
  /** What tokens are refused with that it covers. */
  readonly reason: string
}

export interface Verdict {
  /** Acceptances that started after a revocation had returned. */
  readonly violations: readonly Violation[]
  /** Anything else that should not have happened to anybody. */
  readonly complaints: readonly string[]
  readonly requests: number
  readonly accepted: number
  readonly unavailable: number
  /** Revocations that returned: how often the promise was made. */
  readonly revocations: number
  /** Requests that started after one of them had returned: how often the promise was put to the test. */
  readonly tests: number
}

/** What the clients of a trial saw. */
export class Records {
  readonly requests: RequestRecord[] = []
  readonly kills: Kill[] = []
  /** `revokedOnAllNodesMs` of each revoking mutation that answered. */
  readonly waits: number[] = []
  readonly #complaints = new Set<string>()

  complain(of: string): void {
    this.#complaints.add(of)
  }

  verdict(): Verdict {
    const { requests, kills } = this
    const returned = kills.filter(kill => kill.returned !== undefined)
    const bySubject = new Map<string, Kill[]>()
    for (const kill of kills) {
      const subject = subjectOf(kill)
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), kill])
    }
    let tests = 0
    for (const { token, start, end, node, verdict } of requests) {
      const covering = ['', token.user, token.session]
        .flatMap(subject => bySubject.get(subject) ?? [])
        .filter(({ what }) => covers(what, token))
      if (covering.some(kill => (kill.returned ?? Number.POSITIVE_INFINITY) < start)) tests++
      if (verdict === 'accepted' || isOutage(verdict)) continue
      if (!covering.some(kill => kill.start <= end && kill.reason === verdict))
        this.complain(`Node ${node} refused a token that nobody had killed: ${verdict}.`)
    }
    return {
      violations: findViolations(requests, kills),
      complaints: [...this.#complaints],
      requests: requests.length,
      accepted: requests.filter(({ verdict }) => verdict === 'accepted').length,
      unavailable: requests.filter(({ verdict }) => isOutage(verdict)).length,
      revocations: returned.length,
      tests,
    }
  }
}

function subjectOf({ what }: Kill): string {
  if (what.kind === 'session') return what.session
  return what.kind === 'user' ? what.user : ''
}
