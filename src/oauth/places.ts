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
  const taken = new Map<string, number>()
  return {
    async within(serviceId, work) {
      const before = taken.get(serviceId) ?? 0
      if (before >= most)
        throw new OAuthError(429, 'temporarily_unavailable', 'This service asks too much at once.', 1)
      taken.set(serviceId, before + 1)
      try {
        return await work()
      } finally {
        const left = (taken.get(serviceId) ?? 1) - 1
        if (left > 0) taken.set(serviceId, left)
        else taken.delete(serviceId)
      }
    },
  }
}
