import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '../../support/client.ts'
import { until } from '../../support/until.ts'
import type { Random } from '../chaos/random.ts'
import { type Act, acts, lonelyActs } from './acts.ts'
import type { Bed } from './beds.ts'

export interface KillReport {
  readonly kills: number
  /** Mutations by what the kill did to them. */
  readonly answered: number
  readonly doneUnanswered: number
  readonly undone: number
  /** Mutations that were done by half, or were answered and are lost. There must be none. */
  readonly problems: readonly string[]
}

export interface KillOptions {
  readonly kills: number
  /** Mutations in flight at each kill. */
  readonly mutations: number
  readonly random: Random
  onKill?(done: number): void
}

/** One kill in so many is for the mutations that are sent alone. */
const lonelyEvery = 7
/** Before a mutation is sent, and before the kill. */
const longestPauseMs = 60

/**
 * Starts a node, sends mutations, and kills the process at a random moment; then reads the rows. Each mutation must have
 * happened wholly or not at all, and one that was answered must have happened.
 */
export async function runKills(bed: Bed, options: KillOptions): Promise<KillReport> {
  const { random } = options
  const names = Object.keys(acts)
  const sum = { answered: 0, doneUnanswered: 0, undone: 0 }
  const problems: string[] = []
  let turn = 0

  for (let kills = 0; kills < options.kills; kills++) {
    const node = await bed.start()
    const client = createClient(node.url)
    const admin = (await client.login(bed.admin)).accessToken
    const isLonely = kills % lonelyEvery === lonelyEvery - 1
    const chosen = isLonely
      ? Object.keys(lonelyActs)
      : Array.from({ length: options.mutations }, () => names[turn++ % names.length] ?? '')
    const ready = await Promise.all(
      chosen.map(async name => ({
        name,
        act: await prepared(name)({ client, admin, tokenOf: tokenOf(bed) }),
      })),
    )
    // Counted in answers, so that a slow machine is killed amid its work, too.
    const { sent, answered } = sendAll(ready, random, random.below(chosen.length))
    await answered
    await delay(random.below(longestPauseMs))
    await node.kill()
    const outcomes = await Promise.all(sent)

    const effectsOf = ({ effects, mail }: Act) => ({ ...effects, ...(mail && { mail: waits(mail) }) })
    const conditions = outcomes.flatMap(({ act }) => Object.values(effectsOf(act)))
    const found = await bed.ask(conditions)
    for (const { name, act, answer } of outcomes) {
      const effects = Object.keys(effectsOf(act))
      const holds = found.splice(0, effects.length)
      // The mail is the last effect. One that was sent is no longer in the outbox.
      if (act.mail !== undefined && isReceived(bed, act.mail)) holds[effects.length - 1] = true
      const missing = effects.filter((_, at) => !holds[at])
      const isDone = missing.length === 0
      if (!isDone && missing.length < effects.length) problems.push(`${name}: half done, without ${missing}`)
      if (answer === 'done' && !isDone) problems.push(`${name}: answered, and lost: ${missing}`)
      if (answer !== 'done' && answer !== undefined) problems.push(`${name}: refused: ${answer}`)
      if (answer === 'done') sum.answered++
      else if (isDone) sum.doneUnanswered++
      else sum.undone++
    }
    options.onKill?.(kills + 1)
  }
  return { kills: options.kills, ...sum, problems }
}

function prepared(name: string): (typeof acts)[string] {
  const prepare = { ...acts, ...lonelyActs }[name]
  if (prepare === undefined) throw new Error(`There is no mutation ${name}.`)
  return prepare
}

type Mail = NonNullable<Act['mail']>

function waits({ kind, recipient }: Mail): string {
  return `exists (select from annul.outbox where kind = '${kind}' and recipient = '${recipient}')`
}

/** Each act has an address of its own, and causes one kind of mail without preparation. */
function isReceived({ smtp }: Bed, { kind, recipient }: Mail): boolean {
  return smtp.received.some(
    ({ to, headers }) => to === recipient && subjects[kind]?.test(headers.subject ?? ''),
  )
}

/** What the subject of a mail says, by its kind. */
const subjects: Readonly<Record<string, RegExp>> = {
  'verify-email': /^Verify your e-mail/,
  'reset-password': /^Set a new password/,
  'password-changed': /^Your password/,
  'confirm-new-email': /^Confirm your new e-mail/,
  'email-changed': /^The e-mail address of your account/,
  'reuse-detected': /^A session of your account/,
  'factors-changed': /^The ways to sign in to/,
  'account-deleted': /was deleted$/,
  'account-recovered': /was recovered$/,
}

function tokenOf({ smtp }: Bed) {
  return async (purpose: string, recipient: string): Promise<string> => {
    const find = () =>
      smtp.received
        .filter(({ to }) => to === recipient)
        .map(({ text }) => new RegExp(`/account/${purpose}\\?token=(annul_ot_[\\w-]+)`).exec(text)?.[1])
        .findLast(Boolean)
    return (await until(find)) ?? ''
  }
}

interface Named {
  readonly name: string
  readonly act: Act
}

/** @param most resolves `answered` after so many answers */
function sendAll(ready: readonly Named[], random: Random, most: number) {
  let count = 0
  let resolve = () => {}
  const answered = new Promise<void>(settle => {
    resolve = settle
  })
  if (most === 0) resolve()
  const sent = ready.map(async ({ name, act }) => {
    const outcome = await send(name, act, random.below(longestPauseMs))
    if (++count >= most) resolve()
    return outcome
  })
  return { sent, answered }
}

/** @returns `answer`: "done", a refusal, or undefined where the process died before it answered */
async function send(name: string, act: Act, afterMs: number) {
  await delay(afterMs)
  const answer = await act.send().then(
    ({ errors }) => (errors === undefined ? 'done' : JSON.stringify(errors)),
    () => undefined,
  )
  return { name, act, answer }
}
