import { describe } from '@jest/globals'
import { onPostgres } from '../support/database.ts'
import { addressCases } from './contract/addresses.ts'
import { boundCases } from './contract/bounds.ts'
import { cookieCases } from './contract/cookies.ts'
import { errorCases } from './contract/errors.ts'
import { fenceCases } from './contract/fence.ts'
import { guardCases } from './contract/guards.ts'
import { outageCases } from './contract/outage.ts'
import { revocationCases } from './contract/revocation.ts'
import { type Abilities, type Start, useContractServer } from './contract/server.ts'
import { subscriptionCases } from './contract/subscriptions.ts'
import { tokenCases } from './contract/tokens.ts'

/**
 * The contract that holds on every server, as a client of HTTP sees it. Declares its tests; nothing in them knows which
 * server it is.
 *
 * @param name of the server
 * @param start starts one; further ones on the same database are its other nodes
 * @example
 * describeContract('Apollo Server', serving(async (auth, schema) => { … return { url, close } }), {})
 */
export function describeContract(name: string, start: Start, abilities: Abilities = {}): void {
  describe(`${name}:`, () => {
    const server = useContractServer(start)
    // The embedded database serves a single process.
    const beside = () => (onPostgres ? { beside: server } : {})

    tokenCases(server)
    errorCases(server)
    boundCases(server, abilities)
    guardCases(server)
    cookieCases(start, server, beside)
    addressCases(start, server, beside, abilities)
    if (abilities.subscribe) subscriptionCases(server, abilities.subscribe)
    fenceCases(server)
    revocationCases(start, server)
    outageCases(start, server)
  })
}
