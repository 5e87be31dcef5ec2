import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, ClusterNode } from '../cluster.ts'
import { covers } from '../linearizability.ts'
import {
  type Access,
  type Device,
  type Family,
  type Population,
  populate,
  received,
  refresh,
  someNode,
  someOf,
} from './population.ts'
import { type Kill, Records } from './records.ts'
import { asksWho, isOutage, type Sent, send } from './send.ts'
import { type Killing, type Verb, verbNames, verbs } from './verbs.ts'

/** How many families only live: they must be served from the first to the last moment. */
const honest = 6
const refreshing = 3
const loopsPerNode = 3
const mostKillsAtOnce = 16
/** A family is asked for on all nodes from a moment before its end to a moment after. */
const beforeMs = 150
const afterMs = 500

/**
 * Clients of all nodes, for as long as a trial lasts: some ask without pause who they are, with tokens that live and
 * with tokens that were killed a moment ago; some refresh; some revoke. Everything is recorded.
 */
export class Trial {
  readonly records = new Records()
  readonly #cluster: Cluster
  readonly #population: Population
  readonly #waiting: Family[]
  /** Tokens that are asked with. */
  readonly #inPlay = new Set<Access>()
  readonly #ended = new Set<Device>()
  /** The answer to what would have ended them was lost. */
  readonly #doubtful = new Set<Device>()
  readonly #running: Promise<void>[] = []
  #kills = 0
  #stopped = false

  private constructor(cluster: Cluster, population: Population) {
    this.#cluster = cluster
    this.#population = population
    this.#waiting = population.families.slice(honest)
    for (const { laptop, phone } of population.families.slice(refreshing, honest))
      for (const { access } of [laptop, phone]) this.#inPlay.add(access)
  }

  /** @param options.everyMs how often something is revoked; each takes one family */
  static async start(cluster: Cluster, options: { families: number; everyMs: number }): Promise<Trial> {
    const trial = new Trial(cluster, await populate(cluster, options.families + honest))
    trial.#run(options.everyMs)
    return trial
  }

  /** A family that is left to the caller. */
  take(): Family {
    const family = this.#waiting.pop()
    if (family === undefined) throw new Error('No family is left.')
    return family
  }

  /** Revokes, and asks with what was killed before, at and after the moment of the answer. */
  async kill(verb: Verb, family: Family): Promise<void> {
    const { admin } = this.#population
    const tokens = new Set([family.laptop.access, family.phone.access])
    for (const token of tokens) this.#inPlay.add(token)
    await delay(beforeMs)
    const killing: Killing = verbs[verb](family, admin.laptop.access)
    // What has been killed already is promised to be dead as well.
    const times = killing.repeatable && Math.random() < 0.3 ? 2 : 1
    const sent = await Promise.all(Array.from({ length: times }, () => this.#send(killing, [...tokens])))
    for (const device of killing.ends) this.#ended.add(device)
    if (sent.some(answer => answer === undefined))
      for (const device of [family.laptop, family.phone]) this.#doubtful.add(device)
    else if (verb === 'revokeOtherSessions') {
      const { access } = Object.assign(family.phone, received(sent[0]?.data?.revokeOtherSessions))
      this.#inPlay.add(access)
      tokens.add(access)
    }
    await delay(afterMs)
    for (const token of tokens) this.#inPlay.delete(token)
  }

  /** Ends the load, and everything: what should have lived must refresh, and after revokeEverything nothing lives. */
  async end(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
    const devices = this.#population.families
      .flatMap(({ laptop, phone }) => [laptop, phone])
      .filter(device => !this.#ended.has(device) && !this.#doubtful.has(device))
    const asked = [...devices]
    await inParallel(8, asked, async device => {
      if (await this.#refresh(device)) await this.#ask(someNode(this.#cluster), device.access)
    })
    const minEpoch = this.#population.admin.laptop.access.claims.epoch + 1
    const everything = {
      what: { kind: 'everyone', minEpoch },
      reason: 'EVERYTHING_REVOKED',
      operation: { query: 'mutation { revokeEverything }', token: this.#population.admin.laptop.access.text },
      done: 'accepted',
      ends: [],
      repeatable: false,
    } as const
    await this.#send(everything, [...new Set(devices.map(({ access }) => access))])
    await Promise.all(this.#running)
  }

  #run(everyMs: number): void {
    for (let index = 0; index < loopsPerNode * this.#cluster.nodes.length; index++)
      this.#start(() => this.#load(index))
    for (const { laptop } of this.#population.families.slice(0, refreshing))
      this.#start(() => this.#keep(laptop))
    this.#start(async () => {
      for (let turn = 0; !this.#stopped; turn++) {
        await delay(everyMs)
        const verb = verbNames[turn % verbNames.length] ?? 'logout'
        if (this.#kills >= mostKillsAtOnce || this.#waiting.length === 0) continue
        this.#kills++
        const family = this.take()
        this.#start(() =>
          this.kill(verb, family).finally(() => {
            this.#kills--
          }),
        )
      }
    })
  }

  #start(work: () => Promise<void>): void {
    this.#running.push(work())
  }

  /** One client after the other. A node that does not answer holds up the loops of its place only. */
  async #load(index: number): Promise<void> {
    while (!this.#stopped) {
      const { nodes } = this.#cluster
      const node = nodes[index % nodes.length]
      if (node) await this.#ask(node, someOf([...this.#inPlay]))
      await delay(3)
    }
  }

  /** A client that does nothing but refresh, as it should: one attempt until there is an answer. */
  async #keep(device: Device): Promise<void> {
    while (!this.#stopped && (await this.#refresh(device))) {
      await this.#ask(someNode(this.#cluster), device.access)
      await delay(60)
    }
  }

  async #refresh(device: Device): Promise<boolean> {
    const attempt = randomBytes(18).toString('base64url')
    for (;;) {
      const tokens = await refresh(someNode(this.#cluster).url, device.refreshToken, attempt)
      if (typeof tokens !== 'string') {
        Object.assign(device, tokens)
        return true
      }
      if (!isOutage(tokens)) {
        this.records.complain(`A client that had done nothing wrong could not refresh: ${tokens}.`)
        return false
      }
      await delay(50)
    }
  }

  async #ask(node: ClusterNode, { text, claims }: Access): Promise<void> {
    const { start, end, verdict } = await send(node.url, { query: asksWho, token: text })
    this.records.requests.push({ start, end, node: node.name, token: claims, verdict })
  }

  /** @returns the answer; undefined where it was lost */
  async #send(killing: Killing, tokens: readonly Access[]): Promise<Sent | undefined> {
    const { what, reason, operation, done } = killing
    for (;;) {
      const kill: Kill = { start: performance.now(), returned: undefined, what, reason }
      this.records.kills.push(kill)
      const sent = await send(someNode(this.#cluster).url, operation)
      if (sent.verdict === done) {
        kill.returned = sent.end
        // At once, everywhere: this is what the promise is about.
        for (const token of tokens.filter(({ claims }) => covers(what, claims)))
          for (const node of this.#cluster.nodes) this.#start(() => this.#ask(node, token))
        if (sent.revokedOnAllNodesMs !== undefined) this.records.waits.push(sent.revokedOnAllNodesMs)
        return sent
      }
      if (!isOutage(sent.verdict)) this.records.complain(`${operation.query} was refused: ${sent.verdict}.`)
      if (!isOutage(sent.verdict) || !killing.repeatable) return undefined
      await delay(100)
    }
  }
}

/** Several at a time, until the list is empty. */
async function inParallel<T>(width: number, list: T[], work: (item: T) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = list.pop(); next !== undefined; next = list.pop()) await work(next)
    }),
  )
}
