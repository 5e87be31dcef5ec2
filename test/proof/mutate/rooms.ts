/** A part of the house, and the tests that are to see every change of it. */
export interface Room {
  readonly name: string
  /** Globs of what is changed. */
  readonly mutate: readonly string[]
  /** Globs of the tests. Only quick ones: each of a thousand mutants runs them. */
  readonly tests: readonly string[]
}

export const rooms: readonly Room[] = [
  {
    name: 'tokens',
    mutate: ['src/tokens/*.ts'],
    tests: ['test/tokens/*.test.ts'],
  },
  {
    name: 'revocation',
    mutate: ['src/revocation/*.ts'],
    tests: ['test/revocation/{view,follow,barrier,fence,rows,standing,readiness,waiting,metrics}.test.ts'],
  },
  {
    name: 'decisions',
    mutate: ['src/decisions/*.ts'],
    tests: ['test/decisions/*.test.ts', 'test/revocation/equivalence.test.ts'],
  },
  {
    name: 'sessions',
    mutate: ['src/sessions/*.ts'],
    tests: [
      'test/sessions/{login,logout,revokeSessions,signIn,withoutSession}.test.ts',
      'test/sessions/refresh/{rules,theft,renew,sliding,cookies}.test.ts',
    ],
  },
  {
    name: 'limits',
    mutate: ['src/limits/*.ts'],
    tests: ['test/limits/*.test.ts'],
  },
  {
    name: 'request',
    mutate: ['src/request/*.ts'],
    tests: ['test/request/*.test.ts', 'test/sessions/refresh/{origins,cookies,bind}.test.ts'],
  },
  {
    name: 'directive',
    mutate: ['src/graphql/directive.ts'],
    tests: ['test/graphql/directive*.test.ts', 'test/decisions/truthTable.test.ts'],
  },
]
