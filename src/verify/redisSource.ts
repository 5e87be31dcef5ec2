import { setTimeout as delay } from 'node:timers/promises'
import { JwksKeys } from './jwksKeys.ts'
import type { CheckedRedisOptions } from './options.ts'
import { openRedisDecider } from './redisDecider.ts'
import { openReady, type Source } from './source.ts'

/** How often Redis is looked at, requests or not, in milliseconds. */
const lookEveryMs = 1000
/** A look may take a second, and stands for another one. */
const lookedForMs = 3 * lookEveryMs
/** How often a watch asks, twice, in milliseconds. */
const watchMs = 2000
const toldEveryMs = 30_000

/** Asks Redis about each token. Nothing is told by itself, so watches ask again and again. */
export function openRedisSource(options: CheckedRedisOptions): Source {
  const { revocations, log } = options
  const keys = new JwksKeys(options.keys)
  const { ready, become, fail } = openReady()
  const closing = new AbortController()
  const { signal } = closing
  let answeredAt = Number.NEGATIVE_INFINITY
  let toldAt = Number.NEGATIVE_INFINITY
  let isLost = false

  const look = async () => {
    const asked = performance.now()
    try {
      await Promise.all([revocations.look(), keys.renew()])
      if (isLost) log.info({}, 'Tokens are decided about again.')
      isLost = false
      answeredAt = asked
      become()
    } catch (error) {
      answeredAt = Number.NEGATIVE_INFINITY
      if (signal.aborted || asked - toldAt < toldEveryMs) return
      isLost = true
      toldAt = asked
      log.warn({ err: error }, 'Tokens can not be decided about, and nobody is let in; trying again.')
    }
  }
  const lookOn = async () => {
    while (!signal.aborted) {
      await look()
      await delay(lookEveryMs, undefined, { ref: false, signal }).catch(() => {})
    }
  }
  void lookOn()

  return {
    ready,
    decider: openRedisDecider({ ...options, keys, isClosed: () => signal.aborted }),
    revocation: {
      view: { verdict: () => undefined, isKeyRevoked: () => false, subscribe: () => () => {} },
      isFresh: () => false,
    },
    watchMs,
    isFresh: () => !signal.aborted && performance.now() - answeredAt < lookedForMs,
    close() {
      closing.abort()
      fail(new Error('The verifier was closed.'))
    },
  }
}
