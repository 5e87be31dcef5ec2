import type { Config } from '../config.ts'
import type { Database } from '../database/open.ts'
import { type Log, seldom } from '../log.ts'
import { createRevocation, type RevocationService } from './createRevocation.ts'
import { embeddedRevocation } from './embeddedRevocation.ts'
import { postgresStore } from './postgresStore.ts'

/** A lost connection is retried ten times a second; the log tells of it once in this time. */
const toldEveryMs = 10_000

/** How this node learns of revocations, and makes the other nodes learn of its own. To be started by the caller. */
export function openRevocation(
  config: Pick<Config, 'databaseUrl' | 'leaseMs' | 'feedAckMs'>,
  db: Database,
  log: Log,
): RevocationService {
  if (config.databaseUrl === undefined) return embeddedRevocation(db, config)
  return createRevocation({
    store: postgresStore(config.databaseUrl),
    leaseMs: config.leaseMs,
    ackMs: config.feedAckMs,
    onError: seldom(toldEveryMs, error =>
      log.warn({ err: error }, 'The revocation log can not be followed; trying again.'),
    ),
  })
}
