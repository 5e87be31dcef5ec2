import {
  type AuthError,
  badUserInput,
  type Code,
  forbidden,
  invalidCredentials,
  invalidRefreshToken,
  notFound,
  originNotAllowed,
  type Reason,
  reauthenticationRequired,
  secondFactorRequired,
  tooManyRequests,
  unauthenticated,
  unavailable,
} from '../../src/errors.ts'

/* What each code and reason means, for docs/errors.md. The compiler finds a code or a reason of src/errors.ts without a row. */

export interface CodeMeaning {
  /** An error of this code, as a client gets it. */
  readonly example: { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }
  /** In Markdown, as are the other texts. */
  readonly meaning: string
  readonly client: string
}

const internal = {
  message: 'Something went wrong on the server.',
  extensions: { code: 'INTERNAL_SERVER_ERROR', id: '2f6b0c0e-6f0e-4a8e-9d36-0d9c1f0f8a11' },
}

export const codes: Readonly<Record<Code, CodeMeaning>> = {
  UNAUTHENTICATED: {
    example: unauthenticated('LOGGED_OUT'),
    meaning:
      'A field that needs a session was asked without an access token, or with one that is refused. The reason says which, and what has ended the token.',
    client:
      'With REFRESH: refresh once, and send the request again. With LOGIN: forget the tokens, show the login form, and tell the user the reason.',
  },
  INVALID_CREDENTIALS: {
    example: invalidCredentials(),
    meaning:
      'The e-mail or the password is wrong, or the account is blocked. The answer and its time are the same for all of these, and for an e-mail without an account.',
    client: 'Let the user correct the input. A session that is open stays open.',
  },
  INVALID_REFRESH_TOKEN: {
    example: invalidRefreshToken('TOKEN_STALE'),
    meaning:
      'The refresh token is missing, unknown or replaced, or its session has ended. The reasons are those of UNAUTHENTICATED, and TOKEN_STALE.',
    client:
      'With LOGIN: forget the tokens and show the login form. With REFRESH (TOKEN_STALE): read the stored token again, and refresh with that one.',
  },
  SECOND_FACTOR_REQUIRED: {
    example: secondFactorRequired('hrVgTJ1WkcHAkZ5UqTtM8vYrJxq5E2oPZbqD0nK3fXw', ['TOTP', 'RECOVERY_CODE']),
    meaning:
      'The password, or the link for a new one, was right, and the account has a second factor ([factors.md](factors.md)). No session is open yet. `methods` are the kinds of factors that the account has.',
    client: 'Ask for a factor, and send it with the `challenge` by `completeLogin`, within 5 minutes.',
  },
  REAUTHENTICATION_REQUIRED: {
    example: reauthenticationRequired({ maxAge: 300 }),
    meaning:
      'The field wants a recent proof of who the user is: the last one is older than `maxAge` seconds. With `mfa: true` it wants a proof by a second factor or a passkey ([factors.md](factors.md)), of its own or for a role that the user has with a factor only ([server.md](server.md#roles-that-want-a-second-factor)). With `maxAge: 0` the token has no session ([former-tokens.md](former-tokens.md)), and only `login` helps.',
    client:
      'Ask for the password and send `reauthenticate`, or with `mfa` ask for a factor and send `reauthenticateWith`. Repeat the request with the new access token.',
  },
  FORBIDDEN: {
    example: forbidden({ roles: ['admin'] }),
    meaning:
      'The user is signed in, and lacks a role or a scope. `required` names them: one of `roles`, and each of one list in `scopes`.',
    client: 'Hide what the user may not do, or say so. Neither a refresh nor a new login helps.',
  },
  BAD_USER_INPUT: {
    example: badUserInput('input.email', 'EMAIL_TAKEN', 'There is an account with this e-mail.'),
    meaning:
      'A value is not acceptable: `argument` is its path, and `reason` says why ([the reasons](#reasons-of-bad_user_input)). Without a reason, the value does not fit its type in the schema. Nothing was changed.',
    client: 'Show the message beside the input that `argument` names.',
  },
  NOT_FOUND: {
    example: notFound('user'),
    meaning:
      'An admin named a user, a session or a key that does not exist; other users learn nothing about ids. As HTTP 404: there is nothing at this address.',
    client: 'Read the list again.',
  },
  ORIGIN_NOT_ALLOWED: {
    example: originNotAllowed(),
    meaning:
      "A page of an origin that is not in ANNUL_ALLOWED_ORIGINS sent a cookie, or (HTTP 403) any request. The server's log names the origin.",
    client: 'Nothing at run time: the operator adds the origin of the page to ANNUL_ALLOWED_ORIGINS.',
  },
  TOO_MANY_REQUESTS: {
    example: tooManyRequests(7),
    meaning:
      'Too many attempts, by account, by address or by both ([brute-force.md](brute-force.md)), or a full queue. Nothing was carried out.',
    client: 'Wait for `retryAfter` seconds, and say so. The session stays open.',
  },
  UNAVAILABLE: {
    example: unavailable(1),
    meaning:
      'The database can not be asked, or too many requests are in flight. An outage lets nobody in and signs nobody out.',
    client:
      'Keep the tokens, and try again after `retryAfter` seconds. A mutation may have been carried out if the connection was lost on the way.',
  },
  INTERNAL_SERVER_ERROR: {
    example: internal,
    meaning:
      'A mistake in the server or in the app. The cause is in the log under the `id`, and never in the answer; `traceId` is there while a trace is recorded ([tracing.md](tracing.md)).',
    client: 'Show the `id`, so that the user can report it. The session stays open.',
  },
}

export interface ReasonMeaning {
  readonly meaning: string
  /** What the user is told, or the client does. */
  readonly client: string
}

/** The reasons of UNAUTHENTICATED and INVALID_REFRESH_TOKEN. */
export const reasons: Readonly<Record<Reason | 'TOKEN_STALE', ReasonMeaning>> = {
  TOKEN_MISSING: {
    meaning: 'no token came with the request',
    client: 'shows the login form',
  },
  TOKEN_INVALID: {
    meaning: 'the token was changed, or is of another server or secret',
    client: 'shows the login form',
  },
  TOKEN_EXPIRED: {
    meaning:
      'the life of the access token is over, or the token is bound to another address or browser (ANNUL_BIND); the session goes on',
    client: 'refreshes; the user notices nothing',
  },
  ACCESS_CHANGED: {
    meaning: "an admin changed the user's roles or scopes; the session goes on",
    client: 'refreshes; the new token has the new rights',
  },
  LOGGED_OUT: {
    meaning: 'the user signed out, on this device or in another tab',
    client: 'shows the login form, and says nothing',
  },
  SESSION_REVOKED: {
    meaning: 'the session was ended from the list of sessions',
    client: 'says "This device was signed out from another one."',
  },
  SESSIONS_REVOKED: {
    meaning: 'all sessions of the user were ended, by the user, an admin or a service, or by `restoreEmail`',
    client: 'says "You were signed out on all devices."',
  },
  PASSWORD_CHANGED: {
    meaning: 'the password was changed or reset on another device',
    client: 'asks for the new password',
  },
  USER_BLOCKED: {
    meaning: 'an admin or the operator blocked the account',
    client: 'says that the account is blocked',
  },
  USER_DELETED: {
    meaning: 'the account was deleted, by its owner or by an admin',
    client: 'says that the account is gone',
  },
  REFRESH_REUSED: {
    meaning: 'a refresh token was used twice: somebody has a copy of it, so the session was ended for both',
    client: 'says that the session was used from elsewhere, and advises a new password',
  },
  ACCOUNT_RECOVERED: {
    meaning: 'an admin gave the account back to its owner, under another id and without a password',
    client: 'points to the link in the mail',
  },
  FACTOR_REMOVED: {
    meaning: 'a factor that the session was opened with was removed, or an admin has reset all factors',
    client: 'shows the login form, and says that the factors were changed',
  },
  EVERYTHING_REVOKED: {
    meaning: 'the operator ended all sessions of everybody, for example after a restored backup',
    client: 'shows the login form',
  },
  KEY_REVOKED: {
    meaning: 'the key that signed the access token was revoked; the session goes on',
    client: 'sends `refresh` once before it shows the login form, as `annul/client` does',
  },
  SESSION_EXPIRED: {
    meaning: 'the session was unused for too long, or has reached its longest life',
    client: 'shows the login form',
  },
  TOKEN_STALE: {
    meaning: 'INVALID_REFRESH_TOKEN only: this client was given a newer refresh token',
    client: 'reads its storage again, and refreshes with the newer token',
  },
}

/** An error with this reason, and the code of it that has fewer others. */
export function errorOf(reason: keyof typeof reasons): AuthError {
  return reason === 'TOKEN_STALE' ? invalidRefreshToken(reason) : unauthenticated(reason)
}

/** The reasons of BAD_USER_INPUT. test/docs/errors.test.ts finds one that the code has beside these. */
export const inputReasons: Readonly<Record<string, string>> = {
  EMAIL_INVALID: 'this is no e-mail address; also one with invisible characters',
  EMAIL_TOO_LONG: 'an e-mail has at most 254 characters',
  EMAIL_TAKEN: 'another account has this e-mail',
  PASSWORD_TOO_SHORT: 'fewer characters than ANNUL_PASSWORD_MIN_LENGTH',
  PASSWORD_TOO_LONG: 'more than 256 characters',
  PASSWORD_CHARACTERS: 'the password has control characters',
  PASSWORD_IS_EMAIL: 'the password is the e-mail',
  PASSWORD_TOO_COMMON: 'the password is a common one, a word, or made of the e-mail or the name of the site',
  PASSWORD_BREACHED: 'the password is known from a breach of another service (ANNUL_BREACH_URL)',
  TOKEN_INVALID: 'the link of a mail is wrong, used, replaced or expired: ask for a new one',
  CODE_INVALID:
    'the code of a mail is wrong, used or expired, or was asked for on another device; or the code of an authenticator app, or a recovery code, is wrong or used',
  CHALLENGE_INVALID:
    'the challenge of SECOND_FACTOR_REQUIRED is used or expired, or had 5 wrong answers: sign in again',
  FACTOR_INPUT_INVALID: 'a proof is exactly one of `totp`, `recoveryCode` and `passkey`',
  PASSKEY_INVALID: 'the answer of the passkey was refused',
  ENROLLMENT_INVALID: 'the enrolment is unknown, ended, replaced, or older than 10 minutes: begin anew',
  TOO_MANY_FACTORS: 'an account has at most 20 factors: remove one first',
  FACTOR_UNKNOWN: 'the account has no such factor',
  FACTOR_MISSING: 'recovery codes stand in for another factor: add a passkey or an authenticator app first',
  LAST_WAY_IN:
    "the only passkey of an account without a password can't be removed: set a password, or add another passkey, first",
  ATTEMPT_INVALID: 'an attempt has 22 to 128 characters of A-Z, a-z, 0-9, "-", "_" and "."',
  ID_INVALID: 'this is no UUID',
  TEXT_EMPTY: 'the text is empty, or of nothing but space',
  TEXT_TOO_LONG: 'the message says how long the text may be',
  TEXT_CHARACTERS: 'the text has control characters',
  FIRST_OUT_OF_RANGE: '`first` is too small or too large; the message has the range',
  CURSOR_INVALID: 'the cursor is none of this list, or of another secret: read the list from its beginning',
  LAST_ADMIN: "the last admin can't be blocked, demoted or deleted: make another one first",
  OWN_ACCOUNT: 'an admin named the own account where that is refused (`recoverAccount`, `resetFactors`)',
  ID_REFERENCED: "a table of the app refers to the user's id without ON UPDATE CASCADE; the log has its name",
  ACCESS_INVALID:
    'a role or scope has 1 to 100 printable ASCII characters, without space, quote and backslash',
  ACCESS_TOO_LONG: 'roles and scopes are too long together; the message has the bound',
  TYPE_UNKNOWN: 'a gateway sent a reference to a type that this subgraph does not have',
  NAME_INVALID: 'command `create-service`: a name has 1 to 64 characters of a-z, 0-9 and "-"',
  RIGHTS_INVALID: 'command `create-service`: an unknown right, or none',
  RIGHTS_DIFFER: "command `create-service`: the rights of a service can't be changed",
  TOO_MANY_SECRETS: 'command `create-service`: the service has two secrets; end the former one first',
  LINE_INVALID: 'command `import-users`: a field of the line is missing, unknown or wrong',
  HASH_FORMAT: 'command `import-users`: the hash has none of the known formats',
  HASH_COST: 'command `import-users`: verifying the hash would cost too much',
}

export interface RequestMeaning {
  /** Of HTTP. */
  readonly status: string
  readonly meaning: string
}

/** Codes of requests that GraphQL could not carry out, beside those of docs/limits.md. */
export const requestCodes: Readonly<Record<string, RequestMeaning>> = {
  GRAPHQL_PARSE_FAILED: { status: '400', meaning: 'the document is no GraphQL, or nested too deeply' },
  GRAPHQL_VALIDATION_FAILED: {
    status: '400',
    meaning: 'the document does not fit the schema: an unknown field, a missing argument',
  },
  OPERATION_RESOLUTION_FAILURE: {
    status: '400',
    meaning: 'the document has several operations, and `operationName` names none of them',
  },
  BAD_REQUEST: {
    status: '400',
    meaning:
      'the request can not be read: no JSON, no query, a wrong type of content, variables nested too deeply',
  },
  BODY_TOO_LARGE: { status: '413', meaning: 'the body is larger than 100 kB' },
  METHOD_NOT_ALLOWED: {
    status: '405',
    meaning:
      'a page behind the link of a mail was asked by another method than GET or POST; the answer is a page',
  },
  REQUEST_TIMEOUT: { status: '408', meaning: 'the request took too long to arrive' },
  PERSISTED_QUERY_NOT_IN_LIST: {
    status: '400',
    meaning:
      'ANNUL_OPERATIONS does not have this operation ([persisted-operations.md](persisted-operations.md))',
  },
  PERSISTED_QUERY_NOT_FOUND: {
    status: '200',
    meaning: 'no document is known by this hash: send the document',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: { status: '200', meaning: 'the server keeps no documents by their hashes' },
}
