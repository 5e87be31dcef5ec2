/*
 * The rules of refresh and those who live by them, as plain as it gets: no database, no tokens, no clock. A generation
 * stands for its token, a name for an attempt.
 */

export interface Row {
  readonly generation: number
  /** Of the last eight generations, newest first; null where none was sent. */
  readonly attempts: readonly (string | null)[]
  readonly ended: boolean
}

export interface Presented {
  readonly generation: number
  readonly attempt: string | null
}

export type Outcome = 'ROTATED' | 'REPLAYED' | 'TOKEN_STALE' | 'REFRESH_REUSED' | 'TOKEN_INVALID'
export type Policy = (row: Row, presented: Presented) => { readonly outcome: Outcome; readonly row: Row }

export const firstRow: Row = { generation: 1, attempts: [], ended: false }

/** Rules 1 to 7 of refresh.md, without a grace (ANNUL_REFRESH_REUSE_SECONDS=0). */
export const attemptBound: Policy = (row, { generation, attempt }) => {
  if (row.ended) return { outcome: 'REFRESH_REUSED', row }
  const behind = row.generation - generation
  if (behind < 0) return { outcome: 'TOKEN_INVALID', row }
  if (behind === 0) return { outcome: 'ROTATED', row: next(row, attempt) }
  const same = attempt !== null && behind <= 8 && row.attempts[behind - 1] === attempt
  if (!same) return { outcome: 'REFRESH_REUSED', row: { ...row, ended: true } }
  return { outcome: behind === 1 ? 'REPLAYED' : 'TOKEN_STALE', row }
}

export function next({ generation, attempts }: Row, attempt: string | null): Row {
  return { generation: generation + 1, attempts: [attempt, ...attempts].slice(0, 8), ended: false }
}

/** A tab: what it sent last, and an answer that is on its way. */
interface Tab {
  readonly sent: Presented | null
  readonly answer: { readonly outcome: Outcome; readonly child: number } | null
}

/** Two tabs of one browser, a thief who copied its token once, and the server. */
export interface World {
  readonly row: Row
  /** The token that the tabs share. */
  readonly storage: number
  readonly tabs: readonly [Tab, Tab]
  readonly thief: {
    readonly holds: number | null
    /** He has presented what he copied. */
    readonly hasUsed: boolean
    /** And the server has taken it. */
    readonly hasEntered: boolean
  }
}

export const firstWorld: World = {
  row: firstRow,
  storage: 1,
  tabs: [
    { sent: null, answer: null },
    { sent: null, answer: null },
  ],
  thief: { holds: null, hasUsed: false, hasEntered: false },
}

/**
 * begin: reads the storage, fixes the attempt (put-if-absent, so that both tabs have one for a token) and is about to
 * send; also a page that was reloaded, so that an answer on its way is lost. serve: what was sent arrives, be it for the
 * first time, as a retry after a lost answer, or late. receive: the answer arrives.
 */
export type Step =
  | { readonly who: 0 | 1; readonly does: 'begin' | 'serve' | 'receive' }
  | { readonly who: 'thief'; readonly does: 'copy' | 'use' | 'useWithoutAttempt' | 'useAndLoseAnswer' }

export const steps: readonly Step[] = [
  ...([0, 1] as const).flatMap(who => (['begin', 'serve', 'receive'] as const).map(does => ({ who, does }))),
  ...(['copy', 'use', 'useWithoutAttempt', 'useAndLoseAnswer'] as const).map(
    does => ({ who: 'thief', does }) as const,
  ),
]

/** What of a step the server sees. */
export interface Seen {
  readonly presented: Presented
  readonly outcome: Outcome
}

/** What a step makes of the world, or undefined where it can't be taken. */
export function take(world: World, step: Step, policy: Policy): { world: World; seen?: Seen } | undefined {
  return step.who === 'thief'
    ? takeThief(world, step.does, policy)
    : takeTab(world, step.who, step.does, policy)
}

function takeTab(world: World, who: 0 | 1, does: 'begin' | 'serve' | 'receive', policy: Policy) {
  const { sent, answer } = world.tabs[who]
  const withTab = (tab: Tab, change: Partial<World> = {}): World => {
    const [first, second] = world.tabs
    return { ...world, ...change, tabs: who === 0 ? [tab, second] : [first, tab] }
  }
  if (does === 'begin') return { world: withTab({ sent: honest(world), answer: null }) }
  if (sent === null) return undefined
  if (does === 'serve') {
    const { outcome, row } = policy(world.row, sent)
    const seen = { presented: sent, outcome }
    return { world: withTab({ sent, answer: { outcome, child: row.generation } }, { row }), seen }
  }
  if (answer === null) return undefined
  // Only over the token that it answers: a late answer never puts an older one back.
  const isNewer = isTokens(answer.outcome) && world.storage === sent.generation
  return { world: withTab({ sent, answer: null }, { storage: isNewer ? answer.child : world.storage }) }
}

function takeThief(world: World, does: (Step & { who: 'thief' })['does'], policy: Policy) {
  const { thief, storage } = world
  if (does === 'copy')
    return thief.holds === null ? { world: { ...world, thief: { ...thief, holds: storage } } } : undefined
  if (thief.holds === null) return undefined
  const attempt = does === 'useWithoutAttempt' ? null : `thief-${thief.holds}`
  const presented = { generation: thief.holds, attempt }
  const { outcome, row } = policy(world.row, presented)
  const holds = isTokens(outcome) && does !== 'useAndLoseAnswer' ? row.generation : thief.holds
  const hasEntered = thief.hasEntered || isTokens(outcome)
  return {
    world: { ...world, row, thief: { holds, hasUsed: true, hasEntered } },
    seen: { presented, outcome },
  }
}

/** What an honest tab would send now. */
function honest({ storage }: World): Presented {
  return { generation: storage, attempt: `honest-${storage}` }
}

function isTokens(outcome: Outcome): boolean {
  return outcome === 'ROTATED' || outcome === 'REPLAYED'
}

/** Which promise a step has broken, if any. */
export function broken(world: World, step: Step, seen: Seen | undefined, policy: Policy): string | undefined {
  const { thief, storage, row } = world
  if (seen && step.who !== 'thief') {
    const { outcome, presented } = seen
    if (thief.hasEntered && isTokens(outcome)) return 'An honest refresh after a thief’s did not catch him.'
    if (!thief.hasUsed && !isTokens(outcome) && outcome !== 'TOKEN_STALE')
      return 'An honest user was signed out though no copy was used.'
    if (outcome === 'TOKEN_STALE' && storage <= presented.generation)
      return 'A client was told to read its storage again, and there is nothing newer.'
  }
  // Whatever has happened: what would an honest refresh do now?
  const { outcome } = policy(row, honest(world))
  if (!thief.hasUsed && !isTokens(outcome)) return 'An honest user can’t go on though no copy was used.'
  if (thief.hasUsed && outcome !== 'REFRESH_REUSED') return 'A thief would survive the next honest refresh.'
  return undefined
}
