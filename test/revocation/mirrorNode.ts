import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../src/revocation/clock.ts'
import type { RevocationService } from '../../src/revocation/createRevocation.ts'
import { Mirror } from '../../src/revocation/mirror.ts'
import { redisStore } from '../../src/revocation/mirrorRedis.ts'
import type { Nodes } from './nodes.ts'

/** A node that consists of its revocation part and its mirror. */
export interface MirroringNode {
  readonly node: RevocationService
  readonly mirror: Mirror
  /** Why connections to Redis were given up, so far. */
  readonly errors: readonly unknown[]
  /** How often everything was written. */
  readonly loads: number
  stop(): Promise<void>
}

export async function startMirroring(
  nodes: Nodes,
  redisUrl: string,
  { leaseMs = 600, clock = systemClock }: { leaseMs?: number; clock?: Clock } = {},
): Promise<MirroringNode> {
  const node = await nodes.start({ leaseMs })
  const errors: unknown[] = []
  const state = { loads: 0 }
  const mirror = new Mirror({
    feed: node.feed,
    store: redisStore(redisUrl),
    clock,
    onLoaded: () => {
      state.loads++
    },
    onError: error => errors.push(error),
  })
  return {
    node,
    mirror,
    errors,
    get loads() {
      return state.loads
    },
    async stop() {
      await node.stop()
      await mirror.close()
    },
  }
}

/** Revokes a session as a verb does. @returns when the mutation would be answered */
export async function revokeSession(nodes: Nodes, { node }: MirroringNode): Promise<RevokedSession> {
  const { sid, xid } = await nodes.revoke()
  const waitedMs = await node.barrier(xid, [{ kind: 'session', subject: sid, reason: 'LOGGED_OUT' }])
  return { sid, waitedMs }
}

export interface RevokedSession {
  readonly sid: string
  readonly waitedMs: number
}

/** The id of a user, a session or a key that nobody has used. */
export const newId = () => randomUUID()
