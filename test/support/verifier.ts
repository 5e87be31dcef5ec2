import { randomBytes } from 'node:crypto'
import { AuthError } from '../../src/errors.ts'
import type { Parts } from '../../src/parts.ts'
import { createService } from '../../src/services/createService.ts'
import {
  createVerifier,
  type Verifier,
  type VerifierDecision,
  type VerifierOptions,
} from '../../src/verify/index.ts'
import { noteSecrets } from './client.ts'
import { until } from './until.ts'
import { useFixture } from './useFixture.ts'

/** Makes a service with a name of its own. @returns its secret */
export async function makeService(
  parts: Pick<Parts, 'db' | 'app'>,
  rights: readonly string[] = ['feed', 'introspect'],
): Promise<string> {
  const { secret } = await createService(parts as Parts, {
    name: `service-${randomBytes(6).toString('hex')}`,
    rights,
  })
  noteSecrets(secret)
  return secret
}

interface Node {
  readonly url: string
  readonly auth: { readonly parts: Parts }
}

/** A verifier that follows these nodes, and is fresh. */
export async function openVerifier(
  nodes: readonly Node[],
  options: Partial<VerifierOptions> & { rights?: readonly string[] } = {},
): Promise<Verifier> {
  const [first] = nodes
  if (first === undefined) throw new Error('There is no node.')
  const { rights, ...others } = options
  const verifier = createVerifier({
    nodes: nodes.map(({ url }) => url),
    service: await makeService(first.auth.parts, rights),
    audience: first.auth.parts.config.audience,
    log: silent,
    ...others,
  })
  if (rights === undefined || rights.includes('feed')) await verifier.ready
  return verifier
}

/** A verifier for all tests of the calling file or `describe`. */
export function useVerifier(
  nodes: () => readonly Node[],
  options: Parameters<typeof openVerifier>[1] = {},
): Verifier {
  return useFixture(() => openVerifier(nodes(), options))
}

/** What a decision says: `accepted`, or the reason, or the code where there is none. */
export function verdictOf(decision: VerifierDecision): string {
  if (!(decision instanceof AuthError)) return 'accepted'
  return decision.reason ?? decision.code
}

/** A decision of a verifier that asks, again while it can not ask: a machine may be so busy that it gives up. */
export async function decided(
  { decide }: Pick<Verifier, 'decide'>,
  token: string | undefined,
): Promise<VerifierDecision> {
  return until(
    async () => decide(token),
    decision => verdictOf(decision) !== 'UNAVAILABLE',
  )
}

export const silent = { info: () => {}, warn: () => {}, error: () => {} }
