import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What a decision about an access token was made from: the token alone, the view, or the database, if it answered. */
type Path = 'token' | 'view' | 'strict' | 'unavailable'

/** Annul's metrics, in one registry a node. */
export interface Metrics {
  readonly registry: Registry
  /** A decision about an access token. Called on every guarded request, so it costs only a look-up. */
  decided(path: Path, outcome: string): void
  /** A refresh: ROTATED, REPLAYED, AHEAD (the database went back in time), or the reason of the refusal. */
  refreshed(outcome: string): void
  /** A login: `accepted` or `refused`; `factor-asked` after the right password, and `factor-refused` for each wrong answer. */
  loggedIn(outcome: string): void
  /** A look-up of a new password among breached ones: `clean`, `breached`, or `failed`, when nobody could be asked. */
  breachChecked(result: string): void
  /** An attempt was refused, because this budget had no room (limits/budgets.ts). */
  limited(budget: string): void
  /** A password was hashed, whether to store or to compare it. */
  hashed(): void
  /** A revoking mutation has waited until every node knew. */
  waited(seconds: number): void
  /** How often revoking mutations have waited so long: by the longest wait of each group, and at last what is longer. */
  waits(): Promise<{ readonly upToMs: number | null; readonly count: number }[]>
  /** A mail of the outbox: `sent`, `written` (to a file), `retried`, `refused`, `expired` (too old) or `dead` (its link). */
  mailed(kind: string, outcome: string): void
  /** A gauge that is read at each scrape. Where `read` gives several values, the label `kind` tells them apart. */
  gauge(name: string, help: string, read: () => number | Record<string, number>): void
}

export function openMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const decisions: Record<Path, Map<string, number>> = {
    token: new Map(),
    view: new Map(),
    strict: new Map(),
    unavailable: new Map(),
  }
  new Counter({
    name: 'annul_decisions_total',
    help: 'Decisions about access tokens, by path (token, view, strict, unavailable) and outcome.',
    labelNames: ['path', 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const [path, outcomes] of Object.entries(decisions))
        for (const [outcome, count] of outcomes) this.inc({ path, outcome }, count)
    },
  })
  const refreshes = new Counter({
    name: 'annul_refreshes_total',
    help: 'Refreshes, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  const logins = new Counter({
    name: 'annul_logins_total',
    help: 'Logins, by outcome (accepted, refused, factor-asked, factor-refused).',
    labelNames: ['outcome'],
    registers,
  })
  const breachChecks = new Counter({
    name: 'annul_breach_checks_total',
    help: 'Look-ups of new passwords among breached ones, by result. After failed ones the password was accepted.',
    labelNames: ['result'],
    registers,
  })
  const refusals = new Counter({
    name: 'annul_limited_total',
    help: 'Attempts that were refused, by the budget that had no room.',
    labelNames: ['budget'],
    registers,
  })
  const hashes = new Counter({
    name: 'annul_password_hashes_total',
    help: 'Passwords that were hashed, to store or to compare them.',
    registers,
  })
  const waits = new Histogram({
    name: 'annul_revocation_wait_seconds',
    help: 'How long revoking mutations waited until every node knew.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 65],
    registers,
  })

  const mails = new Counter({
    name: 'annul_mails_total',
    help: 'Mails of the outbox, by kind and outcome (sent, written, retried, refused, expired, dead).',
    labelNames: ['kind', 'outcome'],
    registers,
  })

  return {
    registry,
    decided(path, outcome) {
      const outcomes = decisions[path]
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    },
    refreshed: outcome => refreshes.inc({ outcome }),
    loggedIn: outcome => logins.inc({ outcome }),
    breachChecked: result => breachChecks.inc({ result }),
    mailed: (kind, outcome) => mails.inc({ kind, outcome }),
    limited: budget => refusals.inc({ budget }),
    hashed: () => hashes.inc(),
    waited: seconds => waits.observe(seconds),
    async waits() {
      const { values } = await waits.get()
      let before = 0
      return values
        .filter(({ metricName }) => metricName?.endsWith('_bucket'))
        .map(({ value, labels: { le } }) => {
          // The histogram counts what is at most that long.
          const count = value - before
          before = value
          return { upToMs: le === '+Inf' ? null : Number(le) * 1000, count }
        })
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        labelNames: ['kind'],
        registers,
        collect() {
          const value = read()
          if (typeof value === 'number') this.set(value)
          else for (const [kind, count] of Object.entries(value)) this.set({ kind }, count)
        },
      })
    },
  }
}
