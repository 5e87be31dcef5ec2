import type { GraphQLFormattedError } from 'graphql'
import { outageOf } from '../database/outage.ts'
import { AuthError } from '../errors.ts'
import type { RequestState } from '../request/context.ts'
import { readRenewalProof } from '../request/renewalProof.ts'
import { renewAccessToken } from '../sessions/renewAccessToken.ts'
import { hasSession } from '../viewer.ts'

/*
 * What a finished answer is sent with: the HTTP status, its headers, and `extensions.annul`. Each server's adapter sets
 * them in its own way, when the answer is complete, because the status depends on whether there is data beside the
 * errors.
 */

/** A status other than 200, with its header. */
export interface Refusal {
  readonly status: 401 | 429 | 503
  /** The header's name and value. */
  readonly header: readonly [name: 'www-authenticate' | 'retry-after', value: string]
}

/**
 * How HTTP says what the errors of an answer say.
 *
 * @param data of the answer
 * @param errors formatted (formatErrors.ts)
 * @returns undefined for an answer that goes out as it is: it has data, or errors of another kind or of several kinds
 */
export function refusalOf(
  data: unknown,
  errors: readonly GraphQLFormattedError[] | undefined,
): Refusal | undefined {
  if (!errors?.length) return undefined
  switch (overallCode(data, errors)) {
    case 'UNAUTHENTICATED':
      return { status: 401, header: ['www-authenticate', challenge(errors[0])] }
    case 'UNAVAILABLE':
      return { status: 503, header: ['retry-after', retryAfter(errors)] }
    case 'TOO_MANY_REQUESTS':
      return { status: 429, header: ['retry-after', retryAfter(errors)] }
    default:
      return undefined
  }
}

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

/** The code of all errors of an answer that has no data. Undefined: there is data, or the codes differ. */
function overallCode(data: unknown, errors: readonly GraphQLFormattedError[]): string | undefined {
  const answered = data != null && Object.values(data).some(value => value !== null)
  const codes = new Set(errors.map(error => String(error.extensions?.code)))
  return !answered && codes.size === 1 ? [...codes][0] : undefined
}

function retryAfter(errors: readonly GraphQLFormattedError[]): string {
  return String(Math.max(...errors.map(error => Number(error.extensions?.retryAfter) || 1)))
}

/** A request without a token is told the scheme and no error code (RFC 6750, 3). */
function challenge(error: GraphQLFormattedError | undefined): string {
  if (error?.extensions?.reason === 'TOKEN_MISSING') return 'Bearer realm="annul"'
  return `Bearer realm="annul", error="invalid_token", error_description="${describe(error?.message)}"`
}

/** Without what the header may not hold (RFC 6750, 3): an app's own error may say anything. */
function describe(message = ''): string {
  return message.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '')
}
