import { outageOf } from '../database/outage.ts'
import { AuthError } from '../errors.ts'
import type { RequestState } from '../request/context.ts'
import { readRenewalProof } from '../request/renewalProof.ts'
import { renewAccessToken } from '../sessions/renewAccessToken.ts'
import { hasSession } from '../viewer.ts'

/*
 * What a finished answer is sent with, beside the HTTP status of refusal.ts: `extensions.annul`. Each server's adapter
 * sets both in its own way, when the answer is complete.
 */

/** What stands in `extensions.annul`: a renewed access token, and the wait for all nodes. Undefined: neither. */
export function annulExtension(
  state: RequestState,
): undefined | Promise<Readonly<Record<string, unknown>> | undefined> {
  // Usually there is neither, and nothing to wait for.
  if (state.renewal === undefined && state.revokedOnAllNodesMs() === undefined) return undefined
  return readExtension(state)
}

async function readExtension(state: RequestState): Promise<Record<string, unknown> | undefined> {
  const waitedMs = state.revokedOnAllNodesMs()
  const renewed = await renewFor(state)
  if (waitedMs === undefined) return renewed && { ...renewed }
  return { ...renewed, revokedOnAllNodesMs: Math.round(waitedMs * 10) / 10 }
}

/** Renews only for a client that asks, with proof. Without a renewal the client loses nothing: its token stays valid. */
async function renewFor(state: RequestState) {
  const viewer = state.lastDecision()
  const proof = readRenewalProof(state)
  if (proof === undefined || viewer === undefined || viewer instanceof AuthError) return undefined
  if (!hasSession(viewer)) return undefined
  return renewAccessToken(state.parts, viewer, proof).catch(error => {
    const isExpected = error instanceof AuthError || outageOf(error)
    if (!isExpected) state.parts.log.error({ err: error }, 'An access token could not be renewed.')
    return undefined
  })
}
