import type { Config } from '../config.ts'
import { type Log, seldom } from '../log.ts'
import { loadOptional } from '../optional.ts'
import { systemClock } from './clock.ts'
import type { Feed } from './feed.ts'
import { Mirror } from './mirror.ts'
import { warnOfRedis } from './warnOfRedis.ts'

/** The mirror in Redis, where ANNUL_REDIS_URL is set. */
export interface OpenedMirror {
  /** To be called when the node's view is fresh for the first time, so that the mirror loads it in pages. */
  start(feed: Pick<Feed, 'attach'>): void
  /** To be called when the node's feed was closed. */
  close(): Promise<void>
}

/** A lost connection is retried several times a second; the log tells of it once in this time. */
const toldEveryMs = 10_000

/** @throws MissingPackagesError */
export async function openMirror({ redisUrl }: Pick<Config, 'redisUrl'>, log: Log): Promise<OpenedMirror> {
  if (redisUrl === undefined) return { start() {}, close: async () => {} }
  const { redisStore } = await loadOptional(
    'ANNUL_REDIS_URL (redisUrl)',
    ['@redis/client'],
    () => import('./mirrorRedis.ts'),
  )
  const store = redisStore(redisUrl)
  let mirror: Mirror | undefined
  let isClosed = false
  let isChecked = false
  return {
    start(feed) {
      if (isClosed || mirror !== undefined) return
      mirror = new Mirror({
        feed,
        clock: systemClock,
        store: {
          async connect(onLost, signal) {
            const connection = await store.connect(onLost, signal)
            if (!isChecked) void warnOfRedis(connection, log)
            isChecked = true
            return connection
          },
        },
        onError: seldom(toldEveryMs, error =>
          log.warn({ err: error }, 'Redis can not be kept up to date; trying again.'),
        ),
      })
    },
    async close() {
      isClosed = true
      await mirror?.close()
    },
  }
}
