import { Tally } from '../limits/tally.ts'
import { OAuthError } from './oauthError.ts'

/** Bounds what is done for one service at a time, in the memory of this node. */
export interface Places {
  /** Runs `work`, which takes a place of the service. @throws OAuthError temporarily_unavailable where none is free */
  within<T>(serviceId: string, work: () => Promise<T>): Promise<T>
}

/**
 * A service that asks about every request while its feed is down asks as often as its own clients do. A revocation waits
 * for all nodes, so whoever has stolen a secret could send enough of them to keep everybody else out. Half of a node's
 * places (ANNUL_MAX_IN_FLIGHT) stay free of one service, so that people can still sign in.
 *
 * @param most places of one service
 */
export function openPlaces(most: number): Places {
  const taken = new Tally()
  return {
    async within(serviceId, work) {
      if (taken.of(serviceId) >= most)
        throw new OAuthError(429, 'temporarily_unavailable', 'This service asks too much at once.', 1)
      taken.add(serviceId)
      try {
        return await work()
      } finally {
        taken.remove(serviceId)
      }
    },
  }
}
