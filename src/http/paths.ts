import type { Config } from '../config.ts'

/** A path of Annul in somebody else's server. `/` is the app's own. */
export interface Path {
  readonly url: string
  readonly methods: readonly ('GET' | 'HEAD' | 'POST' | 'OPTIONS')[]
}

export function pathsOf({ metrics }: Pick<Config, 'metrics'>): readonly Path[] {
  const read = ['/.well-known/jwks.json', '/healthz', '/readyz', ...(metrics === 'on' ? ['/metrics'] : [])]
  return [
    { url: '/graphql', methods: ['GET', 'HEAD', 'POST', 'OPTIONS'] },
    ...read.map((url): Path => ({ url, methods: ['GET', 'HEAD'] })),
  ]
}
