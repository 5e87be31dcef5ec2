import { randomUUID } from 'node:crypto'

const credentials = '($email: String!, $password: String!)'
const input = 'input: { email: $email, password: $password }'
const change = '($a: String!, $b: String!) { changePassword(input: { currentPassword: $a, newPassword: $b })'
const reset =
  '($t: String!, $p: String!) { resetPassword(input: { token: $t, newPassword: $p }) { expiresIn } }'
const confirmPasskey = `mutation ($challenge: ID!, $response: JSON!, $name: String) {
  confirmPasskey(id: $challenge, response: $response, name: $name) { factor { id } } }`
const beginPasskey = 'mutation ($challenge: String!) { beginPasskey(challenge: $challenge) { id } }'
const fine = 'a password of length'
const hundred = 'x'.repeat(100)
const emails = {
  'without @': ['ada.example.com', 'EMAIL_INVALID'],
  'of 255 characters': [`${'a'.repeat(243)}@example.com`, 'EMAIL_TOO_LONG'],
  'of 255 bytes': [`${'é'.repeat(121)}a@example.com`, 'EMAIL_TOO_LONG'],
  'with two @': ['a@b@c', 'EMAIL_INVALID'],
  'with a NUL': ['a\0@b.c', 'EMAIL_INVALID'],
  'with a line feed': ['a@b.c\n', 'EMAIL_INVALID'],
  'with an escape': ['a\x1b[31m@b.c', 'EMAIL_INVALID'],
  'with a C1 control': ['a\x85@b.c', 'EMAIL_INVALID'],
  'with a lone surrogate': ['a\ud800@b.c', 'EMAIL_INVALID'],
  'with a filler that nobody sees': ['a\u3164@b.c', 'EMAIL_INVALID'],
  'with a variation selector': ['a\ufe0f@b.c', 'EMAIL_INVALID'],
  'with a mark of direction': ['a\u202e@b.c', 'EMAIL_INVALID'],
  'that is empty': ['', 'EMAIL_INVALID'],
} as const
const texts = {
  'a NUL': ['a\0b', 'TEXT_CHARACTERS'],
  'a line feed': ['a\nb', 'TEXT_CHARACTERS'],
  'a lone surrogate': ['a\udfffb', 'TEXT_CHARACTERS'],
} as const
const ids = [
  '',
  '1',
  'me',
  '0'.repeat(36),
  `${randomUUID()} `,
  `{${randomUUID()}}`,
  `${randomUUID()}\0`,
  '\ud800',
  hundred,
]
const cursors = ['', 'x', hundred, '\0', Buffer.from(`never ${randomUUID()}`).toString('base64url')].concat(
  ['2024-01-01T00:00:00.000Z 1', `+275760-09-13T00:00:00.000Z ${randomUUID()}`].map(text => btoa(text)),
)
const byId = [
  'revokeSession',
  'blockUser',
  'unblockUser',
  'setUserAccess',
  'revokeUserSessions',
  'deleteUser',
  'recoverAccount',
  'renameFactor',
  'removeFactor',
  'confirmTotp',
  'resetFactors',
]
const returnsUser = /^(block|unblock|set|revokeUser|recover|rename|resetFactors)/
const moreOf: Readonly<Record<string, string>> = {
  setUserAccess: ', roles: []',
  renameFactor: ', name: "a name"',
  confirmTotp: ', code: "123456"',
}
const completeLogin =
  '($f: FactorInput!) { completeLogin(input: { challenge: "x", factor: $f }) { expiresIn } }'
const reauthenticateWith = '($f: FactorInput!) { reauthenticateWith(input: $f) { expiresIn } }'

/** A name for the case, the refused argument, the reason of the refusal, and the operation that is sent. */
export type Case = readonly [
  name: string,
  argument: string,
  reason: string,
  query: string,
  variables: Record<string, unknown>,
]
/** The cases. An admin with a second factor sends them, with a refresh token in $refreshToken. */
export const badInputs: readonly Case[] = [
  ...['register', 'login'].flatMap(verb => [
    ...Object.entries(emails).map(
      ([what, [email, reason]]): Case => [
        `${verb}: an e-mail ${what}`,
        ...(['input.email', reason, `mutation ${credentials} { ${verb}(${input}) { expiresIn } }`] as const),
        { email, password: fine },
      ],
    ),
    ...[257, 512, 513, 90_000].map(
      (length): Case => [
        `${verb}: a password of ${length} characters`,
        ...([
          'input.password',
          'PASSWORD_TOO_LONG',
          `mutation ${credentials} { ${verb}(${input}) { expiresIn } }`,
        ] as const),
        { email: 'a@b.c', password: 'x'.repeat(length) },
      ],
    ),
  ]),
  ...['\0', '\n', '\x7f', '\x9f', '\ud800', '\udc00'].flatMap((character): Case[] => {
    const [password, shown] = [fine + character, JSON.stringify(character)]
    return [
      [
        `register: a password with ${shown}`,
        'input.password',
        'PASSWORD_CHARACTERS',
        `mutation ${credentials} { register(${input}) { expiresIn } }`,
        { email: 'a@b.c', password },
      ],
      [
        `changePassword: one with ${shown}`,
        'input.newPassword',
        'PASSWORD_CHARACTERS',
        `mutation ${change} { expiresIn } }`,
        { a: fine, b: password },
      ],
    ]
  }),
  [
    'changePassword: an old one above the limit',
    'input.currentPassword',
    'PASSWORD_TOO_LONG',
    `mutation ${change} { expiresIn } }`,
    { a: 'x'.repeat(257), b: fine },
  ],
  [
    'changePassword: a new one above the limit',
    'input.newPassword',
    'PASSWORD_TOO_LONG',
    `mutation ${change} { expiresIn } }`,
    { a: fine, b: '𝒳'.repeat(257) },
  ],
  [
    'reauthenticate: a password above the limit',
    'password',
    'PASSWORD_TOO_LONG',
    'mutation ($p: String!) { reauthenticate(password: $p) { expiresIn } }',
    { p: 'x'.repeat(257) },
  ],
  ...Object.entries(emails).flatMap(([what, [email, reason]]): Case[] => [
    [
      `requestPasswordReset: an e-mail ${what}`,
      'email',
      reason,
      'mutation ($email: String!) { requestPasswordReset(email: $email) }',
      { email },
    ],
    [
      `changeEmail: an e-mail ${what}`,
      'input.email',
      reason,
      'mutation ($email: String!) { changeEmail(input: { email: $email }) { id } }',
      { email },
    ],
  ]),
  ...['', 'x', `annul_ot_${'A'.repeat(64)}`, '\ud800', '\0', 'x'.repeat(90_000)].flatMap((t): Case[] => [
    ...(['verifyEmail', 'restoreEmail'] as const).map(
      (verb): Case => [
        `${verb}: the token ${JSON.stringify(t.slice(0, 40))}`,
        'token',
        'TOKEN_INVALID',
        `mutation ($t: String!) { ${verb}(token: $t) }`,
        { t },
      ],
    ),
    [
      `resetPassword: the token ${JSON.stringify(t.slice(0, 40))}`,
      'input.token',
      'TOKEN_INVALID',
      `mutation ${reset}`,
      { t, p: fine },
    ],
  ]),
  ...['AAAAAAAA', 'aaaa-aaaa', ' 0OoI lLi1'].map(
    (t): Case => [
      `verifyEmail: the code ${t}`,
      'token',
      'CODE_INVALID',
      'mutation ($t: String!) { verifyEmail(token: $t) }',
      { t },
    ],
  ),
  ...(['\0', '\ud800'] as const).map(
    (character): Case => [
      `resetPassword: a password with ${JSON.stringify(character)}`,
      'input.newPassword',
      'PASSWORD_CHARACTERS',
      `mutation ${reset}`,
      { t: 'x', p: fine + character },
    ],
  ),
  [
    'resetPassword: a password above the limit',
    'input.newPassword',
    'PASSWORD_TOO_LONG',
    `mutation ${reset}`,
    { t: 'x', p: 'x'.repeat(257) },
  ],
  ...['', 'x', '\0', '\ud800', 'A'.repeat(27), 'x'.repeat(50_000)].flatMap((challenge): Case[] => [
    [
      `confirmPasskey: the challenge ${JSON.stringify(challenge.slice(0, 40))}`,
      ...(['response', 'PASSKEY_INVALID', confirmPasskey] as const),
      { challenge, response: {} },
    ],
    [
      `beginPasskey: the challenge ${JSON.stringify(challenge.slice(0, 40))}`,
      ...(['challenge', 'CHALLENGE_INVALID', beginPasskey] as const),
      { challenge },
    ],
  ]),
  ...[
    [],
    '',
    0,
    true,
    { response: null },
    { id: 'AAAA', rawId: 'AAAA', type: 'public-key', response: {} },
  ].map(
    (response): Case => [
      `confirmPasskey: the response ${JSON.stringify(response)}`,
      ...(['response', 'PASSKEY_INVALID', confirmPasskey] as const),
      { challenge: 'A'.repeat(27), response },
    ],
  ),
  ...Object.entries({ ...texts, 'too much': ['x'.repeat(101), 'TEXT_TOO_LONG'] as const }).map(
    ([what, [name, reason]]): Case => [
      `confirmPasskey: a name with ${what}`,
      ...(['name', reason, confirmPasskey] as const),
      { challenge: 'x', response: {}, name },
    ],
  ),
  ...byId.flatMap(verb =>
    ids.map((id): Case => {
      const fields = verb === 'confirmTotp' ? '{ recoveryCodes }' : returnsUser.test(verb) ? '{ id }' : ''
      const query = `mutation ($id: ID!) { ${verb}(id: $id${moreOf[verb] ?? ''}) ${fields} }`
      return [`${verb}: the id ${JSON.stringify(id.slice(0, 40))}`, 'id', 'ID_INVALID', query, { id }]
    }),
  ),
  ...ids.map(
    (id): Case => [
      `user: the id ${JSON.stringify(id.slice(0, 40))}`,
      'id',
      'ID_INVALID',
      'query ($id: ID!) { user(id: $id) { id } }',
      { id },
    ],
  ),
  ...Object.entries({ ...texts, 'too much': ['x'.repeat(501), 'TEXT_TOO_LONG'] as const }).flatMap(
    ([what, [text, reason]]): Case[] => [
      [
        `blockUser: a reason with ${what}`,
        'reason',
        reason,
        'mutation ($id: ID!, $r: String) { blockUser(id: $id, reason: $r) { id } }',
        { id: randomUUID(), r: text },
      ],
      [
        `users: a search for ${what}`,
        'search',
        reason,
        'query ($s: String) { users(search: $s) { edges { cursor } } }',
        { s: text },
      ],
    ],
  ),
  ...Object.entries({
    ...texts,
    nothing: ['', 'TEXT_EMPTY'],
    'nothing but space': [' \n\t\u2003', 'TEXT_EMPTY'],
    'too much': ['x'.repeat(101), 'TEXT_TOO_LONG'],
  } as const).map(
    ([what, [name, reason]]): Case => [
      `renameFactor: a name with ${what}`,
      'name',
      reason,
      'mutation ($id: ID!, $name: String!) { renameFactor(id: $id, name: $name) { id } }',
      { id: randomUUID(), name },
    ],
  ),
  [
    'renameFactor: a factor that nobody has',
    'id',
    'FACTOR_UNKNOWN',
    'mutation ($id: ID!) { renameFactor(id: $id, name: "a name") { id } }',
    { id: randomUUID() },
  ],
  [
    'confirmTotp: an enrolment that nobody has begun',
    'id',
    'ENROLLMENT_INVALID',
    'mutation ($id: ID!) { confirmTotp(id: $id, code: "123456") { recoveryCodes } }',
    { id: randomUUID() },
  ],
  [
    'makeRecoveryCodes: an account without a factor',
    'makeRecoveryCodes',
    'FACTOR_MISSING',
    'mutation { makeRecoveryCodes }',
    {},
  ],
  ...[{}, { totp: null }, { totp: '123456', recoveryCode: 'x' }].flatMap((f): Case[] => [
    [
      `completeLogin: the proof ${JSON.stringify(f)}`,
      'input.factor',
      'FACTOR_INPUT_INVALID',
      `mutation ${completeLogin}`,
      { f },
    ],
    [
      `reauthenticateWith: the proof ${JSON.stringify(f)}`,
      'input',
      'FACTOR_INPUT_INVALID',
      `mutation ${reauthenticateWith}`,
      { f },
    ],
  ]),
  ...['', 'x', '\ud800', '\0', 'x'.repeat(90_000)].map(
    (c): Case => [
      `completeLogin: the challenge ${JSON.stringify(c.slice(0, 40))}`,
      'input.challenge',
      'CHALLENGE_INVALID',
      'mutation ($c: String!) { completeLogin(input: { challenge: $c, factor: { totp: "1" } }) { expiresIn } }',
      { c },
    ],
  ),
  ...cursors.map(
    (after): Case => [
      `users: the cursor ${JSON.stringify(after.slice(0, 40))}`,
      'after',
      'CURSOR_INVALID',
      'query ($a: String) { users(after: $a) { edges { cursor } } }',
      { a: after },
    ],
  ),
  ...[0, -1, 201, 2 ** 31 - 1].map(
    (first): Case => [
      `users: first ${first}`,
      'first',
      'FIRST_OUT_OF_RANGE',
      'query ($f: Int!) { users(first: $f) { edges { cursor } } }',
      { f: first },
    ],
  ),
  ...(['roles', 'scopes'] as const).flatMap(argument =>
    ['', 'a b', 'é', 'a"', 'a\\', 'a\n', '\0', '\ud800', 'x'.repeat(101)].map(
      (name): Case => [
        `setUserAccess: ${JSON.stringify(name.slice(0, 40))} in ${argument}`,
        argument,
        'ACCESS_INVALID',
        'mutation ($id: ID!, $roles: [String!]!, $scopes: [String!]!) { setUserAccess(id: $id, roles: $roles, scopes: $scopes) { id } }',
        { id: randomUUID(), roles: [], scopes: [], [argument]: ['good', name] },
      ],
    ),
  ),
  [
    'setUserAccess: more than fits into a token',
    'roles',
    'ACCESS_TOO_LONG',
    'mutation ($id: ID!, $roles: [String!]!) { setUserAccess(id: $id, roles: $roles) { id } }',
    { id: randomUUID(), roles: Array.from({ length: 30 }, (_, index) => `${index}${'x'.repeat(90)}`) },
  ],
  ...['', 'x'.repeat(21), 'x'.repeat(129), `${'x'.repeat(22)}\n`, 'ä'.repeat(22), '\0'.repeat(22)].map(
    (a): Case => [
      `refresh: the attempt ${JSON.stringify(a.slice(0, 40))}`,
      'attempt',
      'ATTEMPT_INVALID',
      'mutation ($refreshToken: String!, $a: String) { refresh(refreshToken: $refreshToken, attempt: $a) { expiresIn } }',
      { a },
    ],
  ),
]
