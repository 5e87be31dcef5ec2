import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '../../support/client.ts'
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
      chosen.map(async name => ({ name, act: await prepared(name)({ client, admin }) })),
    )
    // Counted in answers, so that a slow machine is killed amid its work, too.
    const { sent, answered } = sendAll(ready, random, random.below(chosen.length))
    await answered
    await delay(random.below(longestPauseMs))
    await node.kill()
    const outcomes = await Promise.all(sent)

    const conditions = outcomes.flatMap(({ act }) => Object.values(act.effects))
    const found = await bed.ask(conditions)
    for (const { name, act, answer } of outcomes) {
      const effects = Object.keys(act.effects)
      const holds = found.splice(0, effects.length)
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
