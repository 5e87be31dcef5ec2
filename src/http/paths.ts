import type { Config } from '../config.ts'
import { type PartySettings, relyingParty } from '../factors/relyingParty.ts'
import { oauthPaths } from '../oauth/metadata.ts'
import { jwksPath, metadataPath, relatedOriginsPath } from './wellKnown.ts'

/** A path of Annul in somebody else's server. `/` is the app's own. */
export interface Path {
  /** With `*` in place of a last part that may be any text. */
  readonly url: string
  readonly methods: readonly ('GET' | 'HEAD' | 'POST' | 'OPTIONS' | 'PUT' | 'PATCH' | 'DELETE')[]
}

/** The pages behind the links in mails. */
export const accountPaths = ['/account/verify-email', '/account/reset-password', '/account/restore-email']

/** The paths whose upgrades are taken: of clients, and of verifiers. */
export const socketPaths = ['/graphql', '/feed'] as const

const all: Path['methods'] = ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']

export function pathsOf(config: Pick<Config, 'metrics' | 'console'> & PartySettings): readonly Path[] {
  const { metrics, console } = config
  const hasRelated = relyingParty(config).related.length > 0
  const read = [
    ...['/healthz', '/readyz', '/feed'],
    ...(metrics === 'on' ? ['/metrics'] : []),
    ...(hasRelated ? [relatedOriginsPath] : []),
  ]
  return [
    { url: '/graphql', methods: ['GET', 'HEAD', 'POST', 'OPTIONS'] },
    ...read.map((url): Path => ({ url, methods: ['GET', 'HEAD'] })),
    ...[jwksPath, metadataPath].map((url): Path => ({ url, methods: ['GET', 'HEAD', 'OPTIONS'] })),
    ...(console ? [{ url: '/console/*', methods: ['GET', 'HEAD'] } as const] : []),
    // These answer every method, so that a wrong one is told so.
    ...[...accountPaths, ...Object.values(oauthPaths)].map((url): Path => ({ url, methods: all })),
  ]
}
