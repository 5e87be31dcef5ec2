import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, ClusterNode } from '../../support/cluster.ts'
import { covers } from '../../support/linearizability.ts'
import { until } from '../../support/until.ts'
import {
  type Access,
  type Device,
  type Family,
  inParallel,
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
/** Longer than any fault lasts. */
const patienceMs = 30_000
/** How many more are kept ready to be revoked. */
const stock = 40
const loopsPerNode = 2
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
  readonly #admin: Access
  /** Who only lives. */
  readonly #honest: readonly Family[]
  /** Who has not been revoked yet. */
  readonly #waiting: Family[]
  readonly #taken: Family[] = []
  /** Tokens that are asked with. */
  readonly #inPlay = new Set<Access>()
  readonly #ended = new Set<Device>()
  /** The answer to what would have ended them was lost. */
  readonly #doubtful = new Set<Device>()
  readonly #running: Promise<void>[] = []
  #kills = 0
  #stopped = false

  private constructor(cluster: Cluster, admin: Access, families: readonly Family[]) {
    this.#cluster = cluster
    this.#admin = admin
    this.#honest = families.slice(0, honest)
    this.#waiting = families.slice(honest)
    for (const { laptop, phone } of this.#honest.slice(refreshing))
      for (const { access } of [laptop, phone]) this.#inPlay.add(access)
  }

  /** @param everyMs how often something is revoked */
  static async start(cluster: Cluster, everyMs: number): Promise<Trial> {
    const [admin] = await populate(cluster, 1, { roles: ['admin'] })
    if (admin === undefined) throw new Error('There is no admin.')
    const trial = new Trial(cluster, admin.laptop.access, await populate(cluster, honest + stock))
    trial.#run(everyMs)
    return trial
  }

  /** @returns when so many revocations have returned that were begun after this call */
  async revoked(count: number): Promise<void> {
    const { kills } = this.records
    const before = kills.length
    await until(
      () => kills.slice(before).filter(({ returned }) => returned !== undefined).length,
      returned => returned >= count,
      patienceMs,
    )
  }

  /** A family that is left to the caller. */
  take(): Family {
    const family = this.#waiting.pop()
    if (family === undefined) throw new Error('No family is left.')
    this.#taken.push(family)
    return family
  }

  /** Revokes, and asks with what was killed before, at and after the moment of the answer. */
  async kill(verb: Verb, family: Family): Promise<void> {
    const tokens = new Set([family.laptop.access, family.phone.access])
    for (const token of tokens) this.#inPlay.add(token)
    await delay(beforeMs)
    const killing: Killing = verbs[verb](family, this.#admin)
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
    const devices = [...this.#honest, ...this.#taken]
      .flatMap(({ laptop, phone }) => [laptop, phone])
      .filter(device => !this.#ended.has(device) && !this.#doubtful.has(device))
    await inParallel(4, devices, async device => {
      if (await this.#refresh(device)) await this.#ask(someNode(this.#cluster), device.access)
    })
    const minEpoch = this.#admin.claims.epoch + 1
    const everything = {
      what: { kind: 'everyone', minEpoch },
      reason: 'EVERYTHING_REVOKED',
      operation: { query: 'mutation { revokeEverything }', token: this.#admin.text },
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
    for (const { laptop } of this.#honest.slice(0, refreshing)) this.#start(() => this.#keep(laptop))
    this.#start(() => this.#refill())
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

  async #refill(): Promise<void> {
    for (; !this.#stopped; await delay(50))
      if (this.#waiting.length < stock / 2)
        // In the midst of a fault it may fail.
        this.#waiting.unshift(...(await populate(this.#cluster, stock / 2).catch(() => [])))
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
      await delay(5)
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
    for (const end = performance.now() + patienceMs; performance.now() < end; await delay(50)) {
      const tokens = await refresh(someNode(this.#cluster).url, device.refreshToken, attempt)
      if (typeof tokens !== 'string') {
        Object.assign(device, tokens)
        return true
      }
      if (!isOutage(tokens)) {
        this.records.complain(`A client that had done nothing wrong could not refresh: ${tokens}.`)
        return false
      }
    }
    this.records.complain(`A client could not refresh for ${patienceMs} ms.`)
    return false
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
