/** Source files, and the tests that are to see every change of them. */
export interface Part {
  readonly mutate: readonly string[]
  /** Only quick tests: hundreds of changes run them. Files of which each change needs only few come first. */
  readonly tests: readonly string[]
}

const part = (mutate: readonly string[], tests: readonly string[]): Part => ({
  mutate: mutate.map(path => `src/${path}.ts`),
  tests: tests.map(path => `test/${path}.test.ts`),
})

/** By room: every source file of the room once (test/proof/mutate.test.ts). */
export const rooms: Readonly<Record<string, readonly Part[]>> = {
  revocation: [
    part(['revocation/view'], ['revocation/view', 'revocation/viewBounds', 'revocation/viewEntries']),
    part(['revocation/fence'], ['revocation/fenceLocks', 'revocation/fence', 'revocation/formerFence']),
    part(['revocation/appTransaction'], ['revocation/standing']),
    part(['revocation/standing'], ['revocation/standing', 'revocation/fenceLocks']),
    part(['revocation/log', 'revocation/revoking'], ['revocation/log', 'revocation/revoking', 'tracing']),
    part(['revocation/barrier'], ['revocation/barrierWaits']),
    part(['revocation/follow', 'revocation/store'], ['revocation/followSteps']),
    part(['revocation/drain'], ['revocation/drain']),
    part(['revocation/postgresStore'], ['revocation/postgresStore']),
    part(['revocation/purge'], ['revocation/purge']),
    part(['revocation/open'], ['revocation/open']),
    part(['revocation/createRevocation'], ['revocation/createRevocation']),
    part(['revocation/embeddedRevocation'], ['revocation/embeddedLease']),
    part(['revocation/feed'], ['revocation/feed', 'revocation/feedPatience']),
    part(['revocation/mirrorLoad', 'revocation/mirrorPort'], ['revocation/mirrorLoad']),
    part(['revocation/mirrorRedis', 'revocation/mirrorScripts'], ['revocation/redisStore']),
    part(['revocation/mirror'], ['revocation/mirrorConnections']),
    part(['revocation/openMirror'], ['revocation/openedMirror']),
    part(['revocation/feedFrames'], ['revocation/feedFrames']),
    part(['revocation/passing'], ['revocation/passing']),
    part(['revocation/allowance', 'revocation/gate', 'revocation/slowPeers'], ['revocation/slowPeers']),
    part(['revocation/clock', 'revocation/sightings', 'revocation/snapshot'], ['revocation/sightings']),
    part(['revocation/mirrorKeys', 'revocation/warnOfRedis'], ['revocation/warnOfRedis']),
  ],
  decisions: [
    part(['decisions/authenticate', 'decisions/strictReader'], ['decisions/authenticate']),
    part(['decisions/requestDecision'], ['decisions/requestDecision']),
    part(['decisions/tokenWatch', 'decisions/tellKeys'], ['decisions/tokenWatch']),
    part(['decisions/judgeFormerToken'], ['decisions/judgeFormerToken']),
  ],
  tokens: [
    part(
      [
        'tokens/accessToken',
        'tokens/accessClaims',
        'tokens/compactToken',
        'tokens/verifiedTokens',
        'tokens/deepFreeze',
      ],
      ['tokens/tokenVerifier', 'tokens/verifiedTokens', 'tokens/compactToken'],
    ),
    part(['tokens/refreshToken'], ['tokens/refreshToken', 'tokens/knownRefreshToken']),
    part(['tokens/oneTimeToken'], ['tokens/oneTimeToken', 'tokens/knownOneTimeToken']),
    part(['tokens/deviceToken'], ['tokens/deviceToken', 'tokens/knownDeviceToken']),
    part(['tokens/secret'], ['tokens/secretFile', 'tokens/secret']),
    part(['tokens/privateKeys', 'tokens/keySet'], ['tokens/privateKeys']),
    part(['tokens/seal'], ['tokens/seal']),
    part(
      ['tokens/signingKeys', 'tokens/signingKeyRows', 'tokens/rotateSigningKeys', 'tokens/revokeSigningKey'],
      ['tokens/signingKeyRows', 'tokens/signingKeyChanges'],
    ),
    part(['tokens/acceptOptions', 'tokens/acceptedKey'], ['tokens/acceptedKey']),
    part(['tokens/formerTokens'], ['tokens/formerTokenRules']),
    part(['tokens/auditCursor'], ['tokens/auditCursor']),
    part(['tokens/binding', 'tokens/renewalProof'], ['tokens/binding']),
    part(['tokens/serviceSecret'], ['tokens/serviceSecret']),
    part(['tokens/ownClaims'], ['tokens/ownClaims']),
  ],
  sessions: [
    part(
      [
        'sessions/sessionState',
        'sessions/findSessions',
        'sessions/forgottenSessions',
        'sessions/listSessions',
        'sessions/logout',
        'sessions/revokeSession',
        'sessions/revokeSessions',
      ],
      ['sessions/sessionRows'],
    ),
    part(
      ['sessions/checkBinding', 'sessions/issueTokens', 'sessions/openSession'],
      ['sessions/issueTokens', 'sessions/knownDevice'],
    ),
    part(['sessions/refresh'], ['sessions/refresh/verdicts']),
    part(['sessions/renewAccessToken'], ['sessions/renewAccessToken']),
    part(['sessions/finishLogin'], ['sessions/passkeySignIn', 'sessions/credentials']),
    part(
      ['sessions/login', 'sessions/readCredentials', 'sessions/reauthenticate', 'sessions/isNewDevice'],
      ['sessions/credentials', 'sessions/knownDevice'],
    ),
    part(
      ['sessions/answerChallenge', 'sessions/expiredChallenges', 'sessions/factorChallenge'],
      ['sessions/factorChallenge'],
    ),
    part(
      [
        'sessions/checkCode',
        'sessions/checkFactor',
        'sessions/factorProof',
        'sessions/noteRefusal',
        'sessions/reauthenticateWith',
        'sessions/tryFactor',
      ],
      ['sessions/factorChecks'],
    ),
    part(
      [
        'sessions/dropFactors',
        'sessions/endFactorSessions',
        'sessions/endFactors',
        'sessions/stopFactorReset',
        'sessions/useProof',
      ],
      ['sessions/factorEnds'],
    ),
    part(['sessions/beginPasskey', 'sessions/checkPasskey'], ['sessions/passkeySteps']),
    part(['sessions/passkeyLogin'], ['sessions/passkeySignIn']),
    part(['sessions/sessionEvents'], ['sessions/sessionEvents']),
  ],
  limits: [
    part(
      ['limits/limits', 'limits/budgets', 'limits/keys', 'limits/oneAtATime'],
      ['limits/limits', 'limits/budgets', 'limits/keys', 'limits/oneAtATime'],
    ),
    part(['limits/memoryStore', 'limits/store'], ['limits/memoryStore', 'limits/store']),
    part(['limits/databaseStore', 'limits/expiredBudgets'], ['limits/databaseStore', 'limits/store']),
    part(['limits/network'], ['limits/network']),
    part(['limits/tally'], ['limits/tally']),
  ],
  directive: [
    part(['graphql/directive'], ['graphql/guardSchema']),
    part(['graphql/meets'], ['graphql/meets']),
  ],
  request: [
    part(['request/cookies'], ['request/cookies']),
    part(['request/cookieMode'], ['request/cookieMode']),
    part(['request/bearerToken'], ['request/bearerToken']),
    part(['request/handedOver', 'request/message'], ['request/handedOver']),
    part(['request/openContext'], ['request/handedOver', 'request/requestState']),
    part(['request/context', 'request/renewalProof'], ['request/requestState']),
    part(['request/rowsById'], ['request/rowsById']),
    part(['request/address'], ['request/address']),
    part(['request/device'], ['request/device']),
  ],
}
