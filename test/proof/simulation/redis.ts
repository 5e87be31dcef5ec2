import type {
  MirrorBatch,
  MirrorConnection,
  MirrorGrant,
  MirrorStore,
} from '../../../src/revocation/mirrorPort.ts'
import type { Revocation } from '../../../src/revocation/view.ts'
import { Process, type World } from './world.ts'

interface Entry {
  readonly expiresAt: number
  readonly minVersion: number
}

/** Redis as a model: what the scripts of mirrorScripts.ts do, by a clock of its own. */
export class ModelRedis {
  readonly world: World
  process: Process
  readonly connections = new Set<ModelMirrorConnection>()
  /** When `fresh` ends, by this clock; undefined: there is none. */
  freshUntil: number | undefined
  readonly #positions = new Map<string, number>()
  readonly #entries = new Map<string, Entry>()
  readonly #clock: Process

  constructor(world: World) {
    this.world = world
    this.#clock = new Process(world, "Redis's clock")
    this.process = new Process(world, 'Redis')
  }

  now(): number {
    return Math.floor(this.#clock.wall())
  }

  get isFresh(): boolean {
    return this.process.isAlive && this.freshUntil !== undefined && this.#clock.wall() < this.freshUntil
  }

  has({ kind, subject, minVersion = 0 }: Omit<Revocation, 'reason' | 'revokedAt'>): boolean {
    const found = this.#entries.get(`${kind} ${subject}`)
    return found !== undefined && found.minVersion >= minVersion && found.expiresAt > this.#clock.wall()
  }

  write({ node, after, at, kind, entries }: MirrorBatch): boolean {
    const known = this.#positions.get(node) ?? -1
    if (known < after || kind === 'distrust') this.freshUntil = undefined
    if (kind === 'next' && known !== after) return false
    const expiresAt = this.now() + 7_200_000
    for (const entry of entries) {
      const name = `${entry.kind} ${entry.subject}`
      const minVersion = Math.max(this.#entries.get(name)?.minVersion ?? 0, entry.minVersion ?? 0)
      this.#entries.set(name, { expiresAt, minVersion })
    }
    this.#positions.set(node, at)
    return true
  }

  grant({ node, at, until }: MirrorGrant): boolean {
    const known = this.#positions.get(node) ?? -1
    if (known < at) this.freshUntil = undefined
    if (known !== at) return false
    const present = this.isFresh ? this.freshUntil : undefined
    if (until > this.now() && (present === undefined || until > present)) this.freshUntil = until
    return true
  }

  /** What was in memory is gone. */
  restart(): void {
    this.freshUntil = undefined
    this.#positions.clear()
    this.#entries.clear()
    this.process = new Process(this.world, 'Redis')
  }

  kill(): void {
    this.process.kill()
    for (const connection of this.connections) connection.lose()
  }
}

/** One connection of a node: what is sent arrives in its order, and so do the answers. */
export class ModelMirrorConnection implements MirrorConnection {
  protected readonly redis: ModelRedis
  readonly #node: Process
  readonly #onLost: (error: unknown) => void
  readonly #waiting = new Set<(error: Error) => void>()
  #isOpen = true
  #sentAt = 0
  #answeredAt = 0

  constructor(redis: ModelRedis, node: Process, onLost: (error: unknown) => void) {
    this.redis = redis
    this.#node = node
    this.#onLost = onLost
    redis.connections.add(this)
  }

  time(): Promise<number> {
    return this.run(() => this.redis.now())
  }

  write(batch: MirrorBatch): Promise<boolean> {
    return this.run(() => this.redis.write(batch))
  }

  grant(grant: MirrorGrant): Promise<boolean> {
    return this.run(() => this.redis.grant(grant))
  }

  freshUntil(): Promise<number | undefined> {
    return this.run(() => (this.redis.isFresh ? this.redis.freshUntil : undefined))
  }

  close(): void {
    // What was sent may still be carried out.
    this.#isOpen = false
    this.redis.connections.delete(this)
  }

  /** Both sides are told, the node later. */
  lose(): void {
    if (!this.#isOpen) return
    this.close()
    const error = new Error('The connection to Redis was lost.')
    const { world } = this.redis
    world.at(
      world.now + world.duration(0.05, 1, 50),
      () => {
        for (const reject of this.#waiting) reject(error)
        this.#onLost(error)
      },
      this.#node,
    )
  }

  /** @returns the answer; what was carried out need not have been answered */
  run<T>(carryOut: () => T): Promise<T> {
    const { redis } = this
    const { world } = redis
    const { process } = redis
    this.#sentAt = Math.max(this.#sentAt, world.now + world.duration(0.05, 0.5, 350))
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      world.at(
        this.#sentAt,
        () => {
          const answer = carryOut()
          this.#answeredAt = Math.max(this.#answeredAt, world.now + world.duration(0.05, 0.5, 350))
          const tell = () => {
            if (!this.#isOpen) return
            this.#waiting.delete(reject)
            resolve(answer)
          }
          world.at(this.#answeredAt, tell, this.#node)
        },
        process,
      )
    })
  }
}

export class ModelMirrorStore implements MirrorStore {
  readonly #redis: ModelRedis
  readonly #node: Process
  readonly #Connection: typeof ModelMirrorConnection

  constructor(redis: ModelRedis, node: Process, Connection = ModelMirrorConnection) {
    this.#redis = redis
    this.#node = node
    this.#Connection = Connection
  }

  async connect(onLost: (error: unknown) => void): Promise<MirrorConnection> {
    if (!this.#redis.process.isAlive) throw new Error('Redis is down.')
    const connection = new this.#Connection(this.#redis, this.#node, onLost)
    await connection.run(() => undefined)
    return connection
  }
}
