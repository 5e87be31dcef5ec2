import { Readable } from 'node:stream'
import type { PubSub } from 'mercurius'

/** The part of Mercurius' PubSub that its documentation describes. */
interface Source {
  subscribe(topic: string, queue: Readable, ...more: unknown[]): Promise<void>
  publish(event: object, callback: (error?: unknown) => void): void
}

/** The `pubsub` of one operation: what it has subscribed to ends with it. */
export class Subscriber {
  readonly #source: Source
  readonly #queue = new Readable({ objectMode: true, read() {} })

  constructor(source: PubSub) {
    this.#source = source as unknown as Source
    // An event may come after the end.
    this.#queue.on('error', () => {})
  }

  async subscribe(topics: string | readonly string[], ...more: unknown[]): Promise<Readable> {
    await Promise.all([topics].flat().map(topic => this.#source.subscribe(topic, this.#queue, ...more)))
    return this.#queue
  }

  publish(event: object): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#source.publish(event, error => (error ? reject(error) : resolve())),
    )
  }

  close(): boolean {
    // Mercurius' PubSub leaves a list of functions here, and that of an app one function.
    const { close } = this.#queue as { close?: unknown }
    for (const end of [close].flat()) if (typeof end === 'function') end.call(this.#queue)
    this.#queue.push(null)
    return true
  }
}
