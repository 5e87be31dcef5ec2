import type { MirrorBatch, MirrorGrant } from '../../../src/revocation/mirrorPort.ts'
import type { MirrorFlaw } from './mirrorSimulation.ts'
import { ModelMirrorConnection } from './redis.ts'

/* Mistakes that are easy to make with a mirror, each around the real code. The schedules must find every one of them. */

/** The life of `fresh` begins when the script is carried out: too late by as long as the script was on its way. */
class LivesFromItsArrival extends ModelMirrorConnection {
  #time = 0

  override async time(): Promise<number> {
    this.#time = await super.time()
    return this.#time
  }

  override grant(grant: MirrorGrant): Promise<boolean> {
    const life = grant.until - this.#time
    return this.run(() => this.redis.grant({ ...grant, until: this.redis.now() + life }))
  }
}

/** Counts as written when it was sent. */
class DoesNotWaitForTheAnswer extends ModelMirrorConnection {
  override async write(batch: MirrorBatch): Promise<boolean> {
    super.write(batch).catch(() => {})
    return true
  }
}

/** Whatever Redis has lost. */
class GrantsWithoutThePosition extends ModelMirrorConnection {
  override grant(grant: MirrorGrant): Promise<boolean> {
    return this.run(() => {
      this.redis.freshUntil = Math.max(this.redis.freshUntil ?? grant.until, grant.until)
      return true
    })
  }
}

/** `fresh` lives for a lease, however old the picture is. */
class ForgetsTheAge extends ModelMirrorConnection {
  override grant(grant: MirrorGrant): Promise<boolean> {
    return super.grant({ ...grant, until: grant.until + 150 })
  }
}

export const mirrorFlaws = {
  'a life of "fresh" that begins when it arrives': { Connection: LivesFromItsArrival },
  'an acknowledgement before the answer of Redis': { Connection: DoesNotWaitForTheAnswer },
  'a grant that does not look at the position': { Connection: GrantsWithoutThePosition },
  'a grant that leaves out the age': { Connection: ForgetsTheAge },
  'a snapshot that is published before the mirror has it': { isNotGated: true },
} satisfies Record<string, MirrorFlaw>
