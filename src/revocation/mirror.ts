import { randomUUID } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Feed } from './feed.ts'
import { MirrorLoad, type MirrorState } from './mirrorLoad.ts'
import type { MirrorConnection, MirrorStore } from './mirrorPort.ts'

export interface MirrorOptions {
  readonly store: MirrorStore
  readonly feed: Pick<Feed, 'attach'>
  readonly clock: Clock
  /** Called when everything is in Redis: first, and after each new connection. */
  readonly onLoaded?: () => void
  /** Called with the reason why a connection was given up; a new one is opened in any case. */
  readonly onError?: (error: unknown) => void
}

/** The first and the longest pause before a new connection, in milliseconds. */
const shortestPauseMs = 100
const longestPauseMs = 2000

/**
 * Keeps Redis up to date until it is closed, by one connection after another. Each new connection writes everything
 * again: nobody knows what the Redis behind it still has.
 */
export class Mirror {
  readonly #options: MirrorOptions
  readonly #state: MirrorState = {
    node: randomUUID(),
    sent: 0,
    confirmed: -1,
    grantedUntil: 0,
    distrusts: false,
  }
  #load: MirrorLoad | undefined
  #pauseMs = shortestPauseMs
  #isOver = false
  readonly #closing = new AbortController()
  #wake = () => {}
  readonly #ended: Promise<void>

  constructor(options: MirrorOptions) {
    this.#options = options
    this.#ended = this.#run()
  }

  /** To be called when the node's feed was closed: until then `fresh` may live by this node. */
  close(): Promise<void> {
    this.#isOver = true
    this.#closing.abort()
    this.#load?.end()
    this.#wake()
    return this.#ended
  }

  async #run(): Promise<void> {
    const { store, onError = () => {} } = this.#options
    while (!this.#isOver) {
      try {
        const connection = await store.connect(error => this.#load?.end(error), this.#closing.signal)
        await this.#follow(connection)
      } catch (error) {
        if (!this.#isOver) onError(error)
      }
      this.#load = undefined
      if (this.#isOver) return
      await this.#pause(this.#pauseMs)
      this.#pauseMs = Math.min(longestPauseMs, 2 * this.#pauseMs)
    }
  }

  /** @returns when the load has ended without a failure */
  #follow(connection: MirrorConnection): Promise<void> {
    if (this.#isOver) {
      connection.close()
      return Promise.resolve()
    }
    const { feed, clock, onLoaded } = this.#options
    return new Promise((resolve, reject) => {
      this.#load = new MirrorLoad({
        feed,
        connection,
        clock,
        state: this.#state,
        onLoaded: () => {
          this.#pauseMs = shortestPauseMs
          onLoaded?.()
        },
        onBye: () => {
          this.#isOver = true
        },
        onEnd: error => (error === undefined ? resolve() : reject(error)),
      })
    })
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#options.clock.after(milliseconds, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
