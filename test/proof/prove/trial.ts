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
import { Records, type SentRevocation } from './records.ts'
import { asksWho, isOutage, type Sent, send } from './send.ts'
import { type RevokingMutation, type Verb, verbNames, verbs } from './verbs.ts'

/** Families that are never revoked: they must be served from the first to the last moment. */
const honest = 6
const refreshing = 3
/** Longer than any fault lasts. */
const patienceMs = 30_000
/** Families that are kept ready to be revoked. */
const stock = 40
const loopsPerNode = 2
const mostRevocationsAtOnce = 24
/** A family is asked for on all nodes from a moment before its end to a moment after. */
const beforeMs = 150
const afterMs = 500

type Asked = Pick<ClusterNode, 'name' | 'url'>

/**
 * Clients of all nodes, for as long as a trial lasts: some ask without pause who they are, with tokens that live and
 * with tokens that were revoked a moment ago; some refresh; some revoke. Everything is recorded.
 */
export class Trial {
  readonly records = new Records()
  readonly #cluster: Cluster
  readonly #admin: Access
  /** Families that are never revoked. */
  readonly #honest: readonly Family[]
  /** Families that have not been revoked yet. */
  readonly #waiting: Family[]
  readonly #taken: Family[] = []
  /** Tokens that the load asks with. */
  readonly #inPlay = new Set<Access>()
  readonly #ended = new Set<Device>()
  /** Devices that a mutation without an answer may have ended. */
  readonly #doubtful = new Set<Device>()
  readonly #running: Promise<void>[] = []
  #revoking = 0
  #stopped = false

  private constructor(cluster: Cluster, admin: Access, families: readonly Family[]) {
    this.#cluster = cluster
    this.#admin = admin
    this.#honest = families.slice(0, honest)
    this.#waiting = families.slice(honest)
    for (const { laptop, phone } of this.#honest.slice(refreshing))
      for (const { access } of [laptop, phone]) this.#inPlay.add(access)
  }

  /** @param everyMs time between two revocations */
  static async start(cluster: Cluster, everyMs: number): Promise<Trial> {
    const [admin] = await populate(cluster, 1, { roles: ['admin'] })
    if (admin === undefined) throw new Error('There is no admin.')
    const trial = new Trial(cluster, admin.laptop.access, await populate(cluster, honest + stock))
    trial.#run(everyMs)
    return trial
  }

  /** Waits for so many answers to revocations that began after this call. */
  async revoked(count: number): Promise<void> {
    const { revocations } = this.records
    const before = revocations.length
    await until(
      () => revocations.slice(before).filter(({ returned }) => returned !== undefined).length,
      returned => returned >= count,
      patienceMs,
    )
  }

  /** A family that the trial leaves to the caller. */
  take(): Family {
    const family = this.#waiting.pop()
    if (family === undefined) throw new Error('No family is left.')
    this.#taken.push(family)
    return family
  }

  /** Revokes, and asks with the revoked tokens before, at and after the moment of the answer. */
  async revoke(verb: Verb, family: Family): Promise<void> {
    const tokens = new Set([family.laptop.access, family.phone.access])
    for (const token of tokens) this.#inPlay.add(token)
    // Nobody waits for these: a node that is stopped answers them late, and revocations go on meanwhile.
    for (const session of family.spares) this.#start(() => this.#write(family.laptop.access, session))
    await delay(beforeMs)
    const mutation: RevokingMutation = verbs[verb](family, this.#admin)
    // The promise also covers tokens that an earlier mutation has revoked.
    const times = mutation.repeatable && Math.random() < 0.3 ? 2 : 1
    const sent = await Promise.all(Array.from({ length: times }, () => this.#send(mutation, [...tokens])))
    for (const device of mutation.ends) this.#ended.add(device)
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

  /** A mutation of a token that is about to be revoked, somewhat before the revocation or behind it. */
  async #write(access: Access, session: string): Promise<void> {
    await delay(Math.random() * 1.4 * beforeMs)
    this.records.writes.push({ token: access.claims, session })
    const query = 'mutation ($id: ID!) { revokeSession(id: $id) }'
    await send(someNode(this.#cluster).url, { query, variables: { id: session }, token: access.text })
  }

  /** Ends the load. Every device that nobody revoked must refresh; then revokeEverything must end all of them. */
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

  /** Whoever decides about tokens. */
  get #asked(): readonly Asked[] {
    return [...this.#cluster.nodes, ...this.#cluster.verifiers]
  }

  #run(everyMs: number): void {
    for (let index = 0; index < loopsPerNode * this.#asked.length; index++)
      this.#start(() => this.#load(index))
    for (const { laptop } of this.#honest.slice(0, refreshing)) this.#start(() => this.#keep(laptop))
    this.#start(() => this.#refill())
    this.#start(async () => {
      for (let turn = 0; !this.#stopped; turn++) {
        await delay(everyMs)
        const verb = verbNames[turn % verbNames.length] ?? 'logout'
        if (this.#revoking >= mostRevocationsAtOnce || this.#waiting.length === 0) continue
        this.#revoking++
        const family = this.take()
        this.#start(() =>
          this.revoke(verb, family).finally(() => {
            this.#revoking--
          }),
        )
      }
    })
  }

  async #refill(): Promise<void> {
    for (; !this.#stopped; await delay(50))
      if (this.#waiting.length < stock / 2)
        // During a fault this may fail.
        this.#waiting.unshift(...(await populate(this.#cluster, stock / 2).catch(() => [])))
  }

  #start(work: () => Promise<void>): void {
    this.#running.push(work())
  }

  /** One request after the other, to one node or verifier. One that does not answer holds up its own loops only. */
  async #load(index: number): Promise<void> {
    while (!this.#stopped) {
      const asked = this.#asked
      const node = asked[index % asked.length]
      if (node) await this.#ask(node, someOf([...this.#inPlay]))
      await delay(5)
    }
  }

  /** A client that refreshes again and again, and repeats an attempt until it is answered. */
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

  async #ask(node: Asked, { text, claims }: Access): Promise<void> {
    const { start, end, verdict } = await send(node.url, { query: asksWho, token: text })
    this.records.requests.push({ start, end, node: node.name, token: claims, verdict })
  }

  /** @returns the answer; undefined where the answer was lost */
  async #send(mutation: RevokingMutation, tokens: readonly Access[]): Promise<Sent | undefined> {
    const { what, reason, operation, done } = mutation
    for (;;) {
      const revocation: SentRevocation = { start: performance.now(), returned: undefined, what, reason }
      this.records.revocations.push(revocation)
      const sent = await send(someNode(this.#cluster).url, operation)
      if (sent.verdict === done) {
        revocation.returned = sent.end
        // The promise: from this moment every node and every verifier refuses.
        for (const token of tokens.filter(({ claims }) => covers(what, claims)))
          for (const node of this.#asked) this.#start(() => this.#ask(node, token))
        if (sent.revokedOnAllNodesMs !== undefined) this.records.waits.push(sent.revokedOnAllNodesMs)
        return sent
      }
      if (!isOutage(sent.verdict)) this.records.complain(`${operation.query} was refused: ${sent.verdict}.`)
      if (!isOutage(sent.verdict) || !mutation.repeatable) return undefined
      await delay(100)
    }
  }
}
