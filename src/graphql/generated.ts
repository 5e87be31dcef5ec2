// Generated from schema/ by "npm run generate".
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { UserSource, SessionSource, TokensSource, SessionEventSource } from './sources.ts';
import type { GraphQLContext } from '../request/context.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A point in time in UTC, as RFC 3339 writes it: `2026-01-31T23:30:00.000Z`. */
  DateTime: { input: Date; output: Date; }
  /** Any value of JSON. Options and responses of WebAuthn, as `navigator.credentials` takes and gives them. */
  JSON: { input: unknown; output: unknown; }
};

/** The queries. */
export type Query = {
  __typename?: 'Query';
  /** The viewer, or for an admin any user. Others get FORBIDDEN, whether or not there is such a user. */
  user: Maybe<User>;
  /** All users, the oldest account first. */
  users: UserConnection;
  /** Who follows the log of revocations now: auth nodes, verifiers and mirrors. */
  nodes: Array<Node>;
  /** The log of revocations, and how fast revocations arrive. */
  revocationLog: RevocationLog;
  /** The keys that sign and verify access tokens, the newest first. */
  signingKeys: Array<SigningKey>;
  /** The events of all accounts, the newest first. An event that is committed while the pages are read is not left out. */
  auditEvents: AuditEventConnection;
  /** What happened to the viewer's own account, the newest first. */
  myEvents: AuditEventConnection;
  /** The user of the access token. The fields `id`, `roles` and `scopes` cost no query of the database. */
  me: User;
  /** The viewer's second factors and passkeys, the oldest first. */
  factors: Array<Factor>;
  /** Whether `resetFactors` waits a day for the viewer's account, and whether a reset is under way. */
  factorReset: FactorReset;
  /** The viewer's live sessions, the most recently used first. */
  sessions: Array<Session>;
};


/** The queries. */
export type QueryUserArgs = {
  id: Scalars['ID']['input'];
};


/** The queries. */
export type QueryUsersArgs = {
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
  search?: InputMaybe<Scalars['String']['input']>;
};


/** The queries. */
export type QueryAuditEventsArgs = {
  userId?: InputMaybe<Scalars['ID']['input']>;
  kind?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
};


/** The queries. */
export type QueryMyEventsArgs = {
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type Mutation = {
  __typename?: 'Mutation';
  /** Sets a new password, and ends all other sessions. Returns this device's new tokens. */
  changePassword: Tokens;
  /** Sends a link to the viewer's e-mail that verifies it. False where it is verified already: no mail is sent. */
  requestEmailVerification: Scalars['Boolean']['output'];
  /** Uses the link or the code of a mail: opens the account, verifies its e-mail, or makes the address its e-mail. */
  verifyEmail: Scalars['Boolean']['output'];
  /** Sends a link that sets a new password. The answer is the same whether or not there is such an account. */
  requestPasswordReset: Scalars['Boolean']['output'];
  /** Sets a new password by the link or the code of a mail. Ends every other session, and opens one here. */
  resetPassword: Tokens;
  /** Sends a link to another address, which becomes the e-mail when the link is used. Returns the unchanged user. */
  changeEmail: User;
  /** The way back, for 72 hours after the e-mail was changed: restores the former one, unsets the password and ends every session. A link to the former e-mail sets a new password. */
  restoreEmail: Scalars['Boolean']['output'];
  /** Deletes the viewer's own account. */
  deleteAccount: Scalars['Boolean']['output'];
  /** Ends all sessions of a user, who can't sign in again until `unblockUser`. */
  blockUser: User;
  /** Lets a blocked user sign in again. Sessions that the block ended stay ended. */
  unblockUser: User;
  /** Sets roles and scopes. Ends the user's access tokens and keeps the sessions, so that clients refresh once. */
  setUserAccess: User;
  /** Ends all sessions of a user, who can sign in again. */
  revokeUserSessions: User;
  /** Deletes an account. Its id is never used again. */
  deleteUser: Scalars['Boolean']['output'];
  /**
   * Gives an account back to its owner: a new id, no password and no second factor, every session and token of the old id
   * ended, and a link to the account's e-mail that sets a new password. If the account has second factors, it wants an
   * admin who has signed in with one.
   */
  recoverAccount: User;
  /** Ends all sessions and tokens of all users. */
  revokeEverything: Scalars['Boolean']['output'];
  /** Creates an account and opens its first session. Null where the server requires a verified e-mail first. */
  register: Maybe<Tokens>;
  /** Opens a session. Unknown user, wrong password and blocked user all get the same answer. */
  login: Tokens;
  /** Confirms the password again, for fields that require a recent proof (`maxAge`). Returns a new access token. */
  reauthenticate: Tokens;
  /** Begins to add an authenticator app. The secret is shown once, and counts when `confirmTotp` has seen a code of it. */
  enrollTotp: TotpEnrollment;
  /** Adds the authenticator app by one of its codes. With the first factor of an account come the recovery codes. */
  confirmTotp: FactorConfirmed;
  /** Begins to add a passkey: options for the browser's `navigator.credentials.create`. */
  enrollPasskey: PasskeyChallenge;
  /** Adds the passkey that the browser has made. With the first factor of an account come the recovery codes. */
  confirmPasskey: FactorConfirmed;
  /** Gives one of the viewer's factors another name. */
  renameFactor: Factor;
  /** Removes one of the viewer's factors. Other sessions that were opened with the factor end. False: there was no such factor. */
  removeFactor: Scalars['Boolean']['output'];
  /** Makes ten new recovery codes, which are shown once. The former ones are dead, and other sessions that were opened with them end. */
  makeRecoveryCodes: Array<Scalars['String']['output']>;
  /** Options for a passkey as an answer to `login`'s challenge, or for a signed-in user's `reauthenticateWith`. */
  beginPasskey: PasskeyChallenge;
  /** Options to sign in with a passkey alone. No e-mail is asked: the browser offers the passkeys that it has. */
  beginPasskeyLogin: PasskeyChallenge;
  /** Opens a session by a passkey alone, which must have verified its user, for example by a fingerprint. */
  passkeyLogin: Tokens;
  /** Completes a login, or a reset of the password, that was answered by SECOND_FACTOR_REQUIRED. */
  completeLogin: Tokens;
  /** Gives a proof by a factor, for fields that want one (`mfa`, `maxAge`). Returns a new access token. */
  reauthenticateWith: Tokens;
  /** Says whether `resetFactors` waits a day for the viewer's account, in which the owner is warned by mail and may stop the reset by using a factor. */
  delayFactorReset: FactorReset;
  /** Removes all factors of a user who has lost them, and ends every session. If the account asks for it, a day later. */
  resetFactors: User;
  /** The next tokens of a session. A retry with the same attempt gets the same answer again, so that a lost answer costs nothing. */
  refresh: Tokens;
  /** Ends the session of the refresh token, or of the cookie, or of the access token. True if the session was live. */
  logout: Scalars['Boolean']['output'];
  /** Ends one of the viewer's own sessions. True if the session was live. */
  revokeSession: Scalars['Boolean']['output'];
  /** Ends all sessions of the viewer, this one included. */
  revokeSessions: Scalars['Boolean']['output'];
  /** Ends all other sessions of the viewer. Returns this device's new tokens. */
  revokeOtherSessions: Tokens;
};


/** The mutations. */
export type MutationChangePasswordArgs = {
  input: ChangePasswordInput;
};


/** The mutations. */
export type MutationVerifyEmailArgs = {
  token: Scalars['String']['input'];
};


/** The mutations. */
export type MutationRequestPasswordResetArgs = {
  email: Scalars['String']['input'];
};


/** The mutations. */
export type MutationResetPasswordArgs = {
  input: ResetPasswordInput;
};


/** The mutations. */
export type MutationChangeEmailArgs = {
  input: ChangeEmailInput;
};


/** The mutations. */
export type MutationRestoreEmailArgs = {
  token: Scalars['String']['input'];
};


/** The mutations. */
export type MutationBlockUserArgs = {
  id: Scalars['ID']['input'];
  reason?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations. */
export type MutationUnblockUserArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations. */
export type MutationSetUserAccessArgs = {
  id: Scalars['ID']['input'];
  roles: Array<Scalars['String']['input']>;
  scopes?: Array<Scalars['String']['input']>;
};


/** The mutations. */
export type MutationRevokeUserSessionsArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations. */
export type MutationDeleteUserArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations. */
export type MutationRecoverAccountArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations. */
export type MutationRegisterArgs = {
  input: RegisterInput;
};


/** The mutations. */
export type MutationLoginArgs = {
  input: LoginInput;
};


/** The mutations. */
export type MutationReauthenticateArgs = {
  password: Scalars['String']['input'];
};


/** The mutations. */
export type MutationConfirmTotpArgs = {
  id: Scalars['ID']['input'];
  code: Scalars['String']['input'];
};


/** The mutations. */
export type MutationConfirmPasskeyArgs = {
  id: Scalars['ID']['input'];
  response: Scalars['JSON']['input'];
  name?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations. */
export type MutationRenameFactorArgs = {
  id: Scalars['ID']['input'];
  name: Scalars['String']['input'];
};


/** The mutations. */
export type MutationRemoveFactorArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations. */
export type MutationBeginPasskeyArgs = {
  challenge?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations. */
export type MutationPasskeyLoginArgs = {
  input: PasskeyLoginInput;
};


/** The mutations. */
export type MutationCompleteLoginArgs = {
  input: CompleteLoginInput;
};


/** The mutations. */
export type MutationReauthenticateWithArgs = {
  input: FactorInput;
};


/** The mutations. */
export type MutationDelayFactorResetArgs = {
  delay: Scalars['Boolean']['input'];
};


/** The mutations. */
export type MutationResetFactorsArgs = {
  id: Scalars['ID']['input'];
};


/** The mutations. */
export type MutationRefreshArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
  attempt?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations. */
export type MutationLogoutArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
};


/** The mutations. */
export type MutationRevokeSessionArgs = {
  id: Scalars['ID']['input'];
};

/** An account. Every field but `id` is for the user and for admins: to others it is FORBIDDEN and null. */
export type User = {
  __typename?: 'User';
  /** A UUID, never used for another account. */
  id: Scalars['ID']['output'];
  /** The e-mail as it was typed. */
  email: Maybe<Scalars['String']['output']>;
  /** Whether the owner of the address has confirmed it. */
  emailVerified: Maybe<Scalars['Boolean']['output']>;
  /** The roles that `@auth(roles:)` asks for. */
  roles: Maybe<Array<Scalars['String']['output']>>;
  /** The scopes that `@auth(scopes:)` asks for. */
  scopes: Maybe<Array<Scalars['String']['output']>>;
  /** Whether the user may sign in. */
  status: Maybe<UserStatus>;
  /** When the account was created. */
  createdAt: Maybe<Scalars['DateTime']['output']>;
  /** The live sessions, the most recently used first. */
  sessions: Maybe<Array<Session>>;
};

/** Whether a user may sign in. */
export type UserStatus =
  /** The user may sign in. */
  | 'ACTIVE'
  /** An admin blocked the account: the user may not sign in. */
  | 'BLOCKED';

/** The input of `changePassword`. */
export type ChangePasswordInput = {
  /** The present password. */
  currentPassword: Scalars['String']['input'];
  /** At least 15 characters, unless the server is set otherwise, and at most 256. Not the e-mail. */
  newPassword: Scalars['String']['input'];
};

/** The input of `resetPassword`. */
export type ResetPasswordInput = {
  /** The token of the link, or the code beside it on the device that asked. */
  token: Scalars['String']['input'];
  /** At least 15 characters, unless the server is set otherwise, and at most 256. Not the e-mail. */
  newPassword: Scalars['String']['input'];
  /** Whether the refresh token is set as a cookie, which scripts can't read. */
  cookie?: Scalars['Boolean']['input'];
};

/** The input of `changeEmail`. */
export type ChangeEmailInput = {
  /** The new e-mail, at most 254 characters. */
  email: Scalars['String']['input'];
};

/** A page of users. */
export type UserConnection = {
  __typename?: 'UserConnection';
  /** The users of this page. */
  edges: Array<UserEdge>;
  /** The place of this page in the list. */
  pageInfo: PageInfo;
};

/** A user of a page. */
export type UserEdge = {
  __typename?: 'UserEdge';
  /** The user's cursor, for `after`. */
  cursor: Scalars['String']['output'];
  /** The user. */
  node: User;
};

/** The place of a page in its list. */
export type PageInfo = {
  __typename?: 'PageInfo';
  /** Whether the list goes on after this page. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Whether the list has entries before this page. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the page's first entry. */
  startCursor: Maybe<Scalars['String']['output']>;
  /** The cursor of the page's last entry, for `after`. */
  endCursor: Maybe<Scalars['String']['output']>;
};

/** A process that accepts tokens, and follows the log of revocations. */
export type Node = {
  __typename?: 'Node';
  /** The node's id, a new one whenever it connects. */
  id: Scalars['ID']['output'];
  /** What it is. */
  kind: NodeKind;
  /** The name of its service; null for an auth node. */
  name: Maybe<Scalars['String']['output']>;
  /** How old its picture of the log is, in milliseconds. Null where it has none, and for auth nodes but the one that answers. */
  ageMs: Maybe<Scalars['Float']['output']>;
  /** The longest that it decides from memory without hearing from its source, in milliseconds. */
  leaseMs: Scalars['Int']['output'];
  /** When it connected. */
  since: Scalars['DateTime']['output'];
};

/** What follows the log. */
export type NodeKind =
  /** A server of Annul's, with the database. */
  | 'AUTH'
  /** A service that verifies tokens without a database. */
  | 'VERIFIER'
  /** A mirror of the log in Redis. */
  | 'MIRROR';

/** The log of revocations. */
export type RevocationLog = {
  __typename?: 'RevocationLog';
  /** How many users and sessions the node that answers remembers, because tokens of theirs may still be live. */
  size: Scalars['Int']['output'];
  /** Revocations of all nodes in each of the last 60 minutes, the oldest first. */
  perMinute: Array<Scalars['Int']['output']>;
  /**
   * How long revoking mutations waited until every node knew: of the node that answers, since it started. The shortest
   * waits come first.
   */
  revokedOnAllNodes: Array<WaitCount>;
};

/** How many revoking mutations waited so long. */
export type WaitCount = {
  __typename?: 'WaitCount';
  /** The longest wait that is counted here, in milliseconds; what the entry before counts is left out. Null: longer ones. */
  upToMs: Maybe<Scalars['Float']['output']>;
  /** How many there were. */
  count: Scalars['Int']['output'];
};

/** A key that signs access tokens, or has signed some. */
export type SigningKey = {
  __typename?: 'SigningKey';
  /** The key's id, in the header `kid` of the tokens that it has signed. */
  id: Scalars['ID']['output'];
  /** ES256, RS256 or PS256. */
  algorithm: Scalars['String']['output'];
  /** Whether the node that answers signs with it now. */
  signs: Scalars['Boolean']['output'];
  /** When it begins to sign. Every node knows it before. */
  signsFrom: Scalars['DateTime']['output'];
  /** When it stopped signing. */
  retiredAt: Maybe<Scalars['DateTime']['output']>;
  /** Until when it verifies. Null: no end is set yet, or it was revoked. */
  verifiesUntil: Maybe<Scalars['DateTime']['output']>;
  /** When it was revoked. It verifies nothing any more. */
  revokedAt: Maybe<Scalars['DateTime']['output']>;
};

/** A page of events. */
export type AuditEventConnection = {
  __typename?: 'AuditEventConnection';
  /** The events of this page. */
  edges: Array<AuditEventEdge>;
  /** The place of this page in the list. */
  pageInfo: PageInfo;
};

/** An event of a page. */
export type AuditEventEdge = {
  __typename?: 'AuditEventEdge';
  /** The event's cursor, for `after` of the same list. */
  cursor: Scalars['String']['output'];
  /** The event. */
  node: AuditEvent;
};

/** What happened to an account or a session. It is never changed. In `myEvents`, what another person did shows neither the person's address nor session nor words. */
export type AuditEvent = {
  __typename?: 'AuditEvent';
  /** The number of the event. A higher number is not always a later event. */
  id: Scalars['ID']['output'];
  /** When the change began, by the database's clock. */
  at: Scalars['DateTime']['output'];
  /** What happened, for example `login`. */
  kind: Scalars['String']['output'];
  /** The user whom it happened to. */
  userId: Maybe<Scalars['ID']['output']>;
  /** The user who did it; null if unknown, and for commands of the operator. */
  actorId: Maybe<Scalars['ID']['output']>;
  /** The session that it was done in, or that ended. */
  sessionId: Maybe<Scalars['ID']['output']>;
  /** The address that it was done from. */
  ipAddress: Maybe<Scalars['String']['output']>;
  /** In words, for people: for example the reason of a block. */
  detail: Maybe<Scalars['String']['output']>;
};

/** The tokens of a signed-in client. */
export type Tokens = {
  __typename?: 'Tokens';
  /** A JSON Web Token for the Authorization header. */
  accessToken: Scalars['String']['output'];
  /** Always "Bearer". */
  tokenType: Scalars['String']['output'];
  /** Seconds until the access token expires. */
  expiresIn: Scalars['Int']['output'];
  /** The token for the next `refresh`, to be used once. Null in cookie mode. */
  refreshToken: Maybe<Scalars['String']['output']>;
  /** The session that the tokens belong to. */
  session: Session;
  /** The user whom the tokens belong to. */
  user: User;
};

/** The input of `register`. */
export type RegisterInput = {
  /** The e-mail to sign in with, at most 254 characters. */
  email: Scalars['String']['input'];
  /** At least 15 characters, unless the server is set otherwise, and at most 256. Not the e-mail. */
  password: Scalars['String']['input'];
  /** Whether the refresh token is set as a cookie, which scripts can't read. */
  cookie?: Scalars['Boolean']['input'];
};

/** The input of `login`. */
export type LoginInput = {
  /** The account's e-mail. */
  email: Scalars['String']['input'];
  /** The account's password. */
  password: Scalars['String']['input'];
  /** Whether the refresh token is set as a cookie, which scripts can't read. */
  cookie?: Scalars['Boolean']['input'];
};

/** A second factor or a passkey. */
export type Factor = {
  __typename?: 'Factor';
  /** A UUID. */
  id: Scalars['ID']['output'];
  /** What the factor is. */
  kind: FactorKind;
  /** What the user calls it. */
  name: Maybe<Scalars['String']['output']>;
  /** When it was added. */
  createdAt: Scalars['DateTime']['output'];
  /** When it last gave a proof. */
  lastUsedAt: Maybe<Scalars['DateTime']['output']>;
  /** How many recovery codes are left; null for the other kinds. */
  codesLeft: Maybe<Scalars['Int']['output']>;
};

/** How an admin's `resetFactors` treats the account. */
export type FactorReset = {
  __typename?: 'FactorReset';
  /** Whether a reset waits for 24 hours. */
  delay: Scalars['Boolean']['output'];
  /** When a reset that is under way takes effect; null: there is none. Using a factor stops the reset. */
  at: Maybe<Scalars['DateTime']['output']>;
};

/** What a factor is. */
export type FactorKind =
  /** A key of WebAuthn, in a device or a password manager. */
  | 'PASSKEY'
  /** An authenticator app that shows codes of six digits. */
  | 'TOTP'
  /** Codes to print, each of which works once. One factor stands for all of them. */
  | 'RECOVERY_CODE';

/** An authenticator app that is being added. */
export type TotpEnrollment = {
  __typename?: 'TotpEnrollment';
  /** For `confirmTotp`, within 10 minutes. */
  id: Scalars['ID']['output'];
  /** The secret in base32, to be typed where no camera is at hand. */
  secret: Scalars['String']['output'];
  /** The same as `otpauth://` URI, for a QR code. */
  uri: Scalars['String']['output'];
};

/** A challenge of WebAuthn, good for 5 minutes. */
export type PasskeyChallenge = {
  __typename?: 'PasskeyChallenge';
  /** Sent back with the response. */
  id: Scalars['ID']['output'];
  /** For `navigator.credentials`, as JSON. */
  options: Scalars['JSON']['output'];
};

/** A factor that counts from now on. */
export type FactorConfirmed = {
  __typename?: 'FactorConfirmed';
  /** The factor. */
  factor: Factor;
  /** Ten codes for the day when the factor is lost, shown once. Null unless this is the first factor of the account. */
  recoveryCodes: Maybe<Array<Scalars['String']['output']>>;
};

/** The input of `passkeyLogin`. */
export type PasskeyLoginInput = {
  /** The challenge's id. */
  id: Scalars['ID']['input'];
  /** What the browser has answered. */
  response: Scalars['JSON']['input'];
  /** Whether the refresh token is set as a cookie, which scripts can't read. */
  cookie?: Scalars['Boolean']['input'];
};

/** The input of `completeLogin`. */
export type CompleteLoginInput = {
  /** The challenge of SECOND_FACTOR_REQUIRED. */
  challenge: Scalars['String']['input'];
  /** The second factor. */
  factor: FactorInput;
  /** Whether the refresh token is set as a cookie, which scripts can't read. */
  cookie?: Scalars['Boolean']['input'];
};

/** A proof by a factor: exactly one of these. */
export type FactorInput = {
  /** A code of the authenticator app. */
  totp?: InputMaybe<Scalars['String']['input']>;
  /** A recovery code. */
  recoveryCode?: InputMaybe<Scalars['String']['input']>;
  /** The answer of a passkey. */
  passkey?: InputMaybe<PasskeyAnswer>;
};

/** The answer of a passkey to `beginPasskey`. */
export type PasskeyAnswer = {
  /** The challenge's id. */
  id: Scalars['ID']['input'];
  /** What the browser has answered. */
  response: Scalars['JSON']['input'];
};

/** A session: one device that is signed in. */
export type Session = {
  __typename?: 'Session';
  /** A UUID, the same after every refresh. */
  id: Scalars['ID']['output'];
  /** Whether this session sends the request. */
  current: Scalars['Boolean']['output'];
  /** The device according to its User-Agent, for example "Firefox on Linux". */
  device: Maybe<Scalars['String']['output']>;
  /** The IP address that the session was opened from. */
  ipAddress: Maybe<Scalars['String']['output']>;
  /** When the session was opened. */
  createdAt: Scalars['DateTime']['output'];
  /** When the session was last refreshed. */
  lastUsedAt: Scalars['DateTime']['output'];
  /** When the session ends if it is not refreshed before: the earlier of its idle end and its absolute end. */
  expiresAt: Scalars['DateTime']['output'];
};

/** The subscriptions. */
export type Subscription = {
  __typename?: 'Subscription';
  /** The events of all sessions of the viewer, on every device. */
  sessionEvents: SessionEvent;
};

/** An event of a session. */
export type SessionEvent = {
  __typename?: 'SessionEvent';
  /** What happened. */
  kind: SessionEventKind;
  /** The session that it happened to. */
  session: Session;
  /** Why the session ended: LOGGED_OUT, SESSION_REVOKED or REFRESH_REUSED. Null for other kinds. */
  reason: Maybe<Scalars['String']['output']>;
  /** When it happened. */
  at: Scalars['DateTime']['output'];
};

/** The kinds of events of a session. */
export type SessionEventKind =
  /** The session was opened. */
  | 'OPENED'
  /** The session was ended. */
  | 'ENDED';



export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;





/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  User: ResolverTypeWrapper<UserSource>;
  UserStatus: UserStatus;
  ChangePasswordInput: ChangePasswordInput;
  ResetPasswordInput: ResetPasswordInput;
  ChangeEmailInput: ChangeEmailInput;
  UserConnection: ResolverTypeWrapper<Omit<UserConnection, 'edges'> & { edges: Array<ResolversTypes['UserEdge']> }>;
  UserEdge: ResolverTypeWrapper<Omit<UserEdge, 'node'> & { node: ResolversTypes['User'] }>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Node: ResolverTypeWrapper<Node>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  NodeKind: NodeKind;
  RevocationLog: ResolverTypeWrapper<RevocationLog>;
  WaitCount: ResolverTypeWrapper<WaitCount>;
  SigningKey: ResolverTypeWrapper<SigningKey>;
  AuditEventConnection: ResolverTypeWrapper<AuditEventConnection>;
  AuditEventEdge: ResolverTypeWrapper<AuditEventEdge>;
  AuditEvent: ResolverTypeWrapper<AuditEvent>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Tokens: ResolverTypeWrapper<TokensSource>;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  Factor: ResolverTypeWrapper<Factor>;
  FactorReset: ResolverTypeWrapper<FactorReset>;
  FactorKind: FactorKind;
  TotpEnrollment: ResolverTypeWrapper<TotpEnrollment>;
  PasskeyChallenge: ResolverTypeWrapper<PasskeyChallenge>;
  FactorConfirmed: ResolverTypeWrapper<FactorConfirmed>;
  PasskeyLoginInput: PasskeyLoginInput;
  CompleteLoginInput: CompleteLoginInput;
  FactorInput: FactorInput;
  PasskeyAnswer: PasskeyAnswer;
  Session: ResolverTypeWrapper<SessionSource>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  SessionEvent: ResolverTypeWrapper<SessionEventSource>;
  SessionEventKind: SessionEventKind;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  Query: Record<PropertyKey, never>;
  ID: Scalars['ID']['output'];
  Mutation: Record<PropertyKey, never>;
  User: UserSource;
  ChangePasswordInput: ChangePasswordInput;
  ResetPasswordInput: ResetPasswordInput;
  ChangeEmailInput: ChangeEmailInput;
  UserConnection: Omit<UserConnection, 'edges'> & { edges: Array<ResolversParentTypes['UserEdge']> };
  UserEdge: Omit<UserEdge, 'node'> & { node: ResolversParentTypes['User'] };
  PageInfo: PageInfo;
  Node: Node;
  Float: Scalars['Float']['output'];
  RevocationLog: RevocationLog;
  WaitCount: WaitCount;
  SigningKey: SigningKey;
  AuditEventConnection: AuditEventConnection;
  AuditEventEdge: AuditEventEdge;
  AuditEvent: AuditEvent;
  DateTime: Scalars['DateTime']['output'];
  Tokens: TokensSource;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  JSON: Scalars['JSON']['output'];
  Factor: Factor;
  FactorReset: FactorReset;
  TotpEnrollment: TotpEnrollment;
  PasskeyChallenge: PasskeyChallenge;
  FactorConfirmed: FactorConfirmed;
  PasskeyLoginInput: PasskeyLoginInput;
  CompleteLoginInput: CompleteLoginInput;
  FactorInput: FactorInput;
  PasskeyAnswer: PasskeyAnswer;
  Session: SessionSource;
  Subscription: Record<PropertyKey, never>;
  SessionEvent: SessionEventSource;
  String: Scalars['String']['output'];
  Int: Scalars['Int']['output'];
  Boolean: Scalars['Boolean']['output'];
};

export type AuthDirectiveArgs = {
  roles?: Maybe<Array<Scalars['String']['input']>>;
  scopes?: Maybe<Array<Array<Scalars['String']['input']>>>;
  maxAge?: Maybe<Scalars['Int']['input']>;
  mfa?: Maybe<Scalars['Boolean']['input']>;
};

export type AuthDirectiveResolver<Result, Parent, ContextType = GraphQLContext, Args = AuthDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type QueryResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  user?: Resolver<Maybe<ResolversTypes['User']>, ParentType, ContextType, RequireFields<QueryUserArgs, 'id'>>;
  users?: Resolver<ResolversTypes['UserConnection'], ParentType, ContextType, RequireFields<QueryUsersArgs, 'first'>>;
  nodes?: Resolver<Array<ResolversTypes['Node']>, ParentType, ContextType>;
  revocationLog?: Resolver<ResolversTypes['RevocationLog'], ParentType, ContextType>;
  signingKeys?: Resolver<Array<ResolversTypes['SigningKey']>, ParentType, ContextType>;
  auditEvents?: Resolver<ResolversTypes['AuditEventConnection'], ParentType, ContextType, RequireFields<QueryAuditEventsArgs, 'first'>>;
  myEvents?: Resolver<ResolversTypes['AuditEventConnection'], ParentType, ContextType, RequireFields<QueryMyEventsArgs, 'first'>>;
  me?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
  factors?: Resolver<Array<ResolversTypes['Factor']>, ParentType, ContextType>;
  factorReset?: Resolver<ResolversTypes['FactorReset'], ParentType, ContextType>;
  sessions?: Resolver<Array<ResolversTypes['Session']>, ParentType, ContextType>;
};

export type MutationResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  changePassword?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationChangePasswordArgs, 'input'>>;
  requestEmailVerification?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  verifyEmail?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationVerifyEmailArgs, 'token'>>;
  requestPasswordReset?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationRequestPasswordResetArgs, 'email'>>;
  resetPassword?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationResetPasswordArgs, 'input'>>;
  changeEmail?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationChangeEmailArgs, 'input'>>;
  restoreEmail?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationRestoreEmailArgs, 'token'>>;
  deleteAccount?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  blockUser?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationBlockUserArgs, 'id'>>;
  unblockUser?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationUnblockUserArgs, 'id'>>;
  setUserAccess?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationSetUserAccessArgs, 'id' | 'roles' | 'scopes'>>;
  revokeUserSessions?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationRevokeUserSessionsArgs, 'id'>>;
  deleteUser?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationDeleteUserArgs, 'id'>>;
  recoverAccount?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationRecoverAccountArgs, 'id'>>;
  revokeEverything?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  register?: Resolver<Maybe<ResolversTypes['Tokens']>, ParentType, ContextType, RequireFields<MutationRegisterArgs, 'input'>>;
  login?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationLoginArgs, 'input'>>;
  reauthenticate?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationReauthenticateArgs, 'password'>>;
  enrollTotp?: Resolver<ResolversTypes['TotpEnrollment'], ParentType, ContextType>;
  confirmTotp?: Resolver<ResolversTypes['FactorConfirmed'], ParentType, ContextType, RequireFields<MutationConfirmTotpArgs, 'id' | 'code'>>;
  enrollPasskey?: Resolver<ResolversTypes['PasskeyChallenge'], ParentType, ContextType>;
  confirmPasskey?: Resolver<ResolversTypes['FactorConfirmed'], ParentType, ContextType, RequireFields<MutationConfirmPasskeyArgs, 'id' | 'response'>>;
  renameFactor?: Resolver<ResolversTypes['Factor'], ParentType, ContextType, RequireFields<MutationRenameFactorArgs, 'id' | 'name'>>;
  removeFactor?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationRemoveFactorArgs, 'id'>>;
  makeRecoveryCodes?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  beginPasskey?: Resolver<ResolversTypes['PasskeyChallenge'], ParentType, ContextType, Partial<MutationBeginPasskeyArgs>>;
  beginPasskeyLogin?: Resolver<ResolversTypes['PasskeyChallenge'], ParentType, ContextType>;
  passkeyLogin?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationPasskeyLoginArgs, 'input'>>;
  completeLogin?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationCompleteLoginArgs, 'input'>>;
  reauthenticateWith?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationReauthenticateWithArgs, 'input'>>;
  delayFactorReset?: Resolver<ResolversTypes['FactorReset'], ParentType, ContextType, RequireFields<MutationDelayFactorResetArgs, 'delay'>>;
  resetFactors?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationResetFactorsArgs, 'id'>>;
  refresh?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, Partial<MutationRefreshArgs>>;
  logout?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, Partial<MutationLogoutArgs>>;
  revokeSession?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationRevokeSessionArgs, 'id'>>;
  revokeSessions?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  revokeOtherSessions?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType>;
};

export type UserResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['User'] = ResolversParentTypes['User']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  email?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  emailVerified?: Resolver<Maybe<ResolversTypes['Boolean']>, ParentType, ContextType>;
  roles?: Resolver<Maybe<Array<ResolversTypes['String']>>, ParentType, ContextType>;
  scopes?: Resolver<Maybe<Array<ResolversTypes['String']>>, ParentType, ContextType>;
  status?: Resolver<Maybe<ResolversTypes['UserStatus']>, ParentType, ContextType>;
  createdAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  sessions?: Resolver<Maybe<Array<ResolversTypes['Session']>>, ParentType, ContextType>;
};

export type UserConnectionResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['UserConnection'] = ResolversParentTypes['UserConnection']> = {
  edges?: Resolver<Array<ResolversTypes['UserEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type UserEdgeResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['UserEdge'] = ResolversParentTypes['UserEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type NodeResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Node'] = ResolversParentTypes['Node']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['NodeKind'], ParentType, ContextType>;
  name?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  ageMs?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  leaseMs?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  since?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type RevocationLogResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['RevocationLog'] = ResolversParentTypes['RevocationLog']> = {
  size?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  perMinute?: Resolver<Array<ResolversTypes['Int']>, ParentType, ContextType>;
  revokedOnAllNodes?: Resolver<Array<ResolversTypes['WaitCount']>, ParentType, ContextType>;
};

export type WaitCountResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['WaitCount'] = ResolversParentTypes['WaitCount']> = {
  upToMs?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  count?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type SigningKeyResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['SigningKey'] = ResolversParentTypes['SigningKey']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  algorithm?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  signs?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  signsFrom?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  retiredAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  verifiesUntil?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  revokedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type AuditEventConnectionResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['AuditEventConnection'] = ResolversParentTypes['AuditEventConnection']> = {
  edges?: Resolver<Array<ResolversTypes['AuditEventEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type AuditEventEdgeResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['AuditEventEdge'] = ResolversParentTypes['AuditEventEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['AuditEvent'], ParentType, ContextType>;
};

export type AuditEventResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['AuditEvent'] = ResolversParentTypes['AuditEvent']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  userId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  actorId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  sessionId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  ipAddress?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  detail?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type TokensResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Tokens'] = ResolversParentTypes['Tokens']> = {
  accessToken?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  tokenType?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  expiresIn?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  refreshToken?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  session?: Resolver<ResolversTypes['Session'], ParentType, ContextType>;
  user?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export interface JsonScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSON'], any> {
  name: 'JSON';
}

export type FactorResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Factor'] = ResolversParentTypes['Factor']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['FactorKind'], ParentType, ContextType>;
  name?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastUsedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  codesLeft?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type FactorResetResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['FactorReset'] = ResolversParentTypes['FactorReset']> = {
  delay?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  at?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type TotpEnrollmentResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['TotpEnrollment'] = ResolversParentTypes['TotpEnrollment']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  secret?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  uri?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type PasskeyChallengeResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['PasskeyChallenge'] = ResolversParentTypes['PasskeyChallenge']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  options?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
};

export type FactorConfirmedResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['FactorConfirmed'] = ResolversParentTypes['FactorConfirmed']> = {
  factor?: Resolver<ResolversTypes['Factor'], ParentType, ContextType>;
  recoveryCodes?: Resolver<Maybe<Array<ResolversTypes['String']>>, ParentType, ContextType>;
};

export type SessionResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Session'] = ResolversParentTypes['Session']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  current?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  device?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  ipAddress?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastUsedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  sessionEvents?: SubscriptionResolver<ResolversTypes['SessionEvent'], "sessionEvents", ParentType, ContextType>;
};

export type SessionEventResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['SessionEvent'] = ResolversParentTypes['SessionEvent']> = {
  kind?: Resolver<ResolversTypes['SessionEventKind'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['Session'], ParentType, ContextType>;
  reason?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type Resolvers<ContextType = GraphQLContext> = {
  Query?: QueryResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  User?: UserResolvers<ContextType>;
  UserConnection?: UserConnectionResolvers<ContextType>;
  UserEdge?: UserEdgeResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  Node?: NodeResolvers<ContextType>;
  RevocationLog?: RevocationLogResolvers<ContextType>;
  WaitCount?: WaitCountResolvers<ContextType>;
  SigningKey?: SigningKeyResolvers<ContextType>;
  AuditEventConnection?: AuditEventConnectionResolvers<ContextType>;
  AuditEventEdge?: AuditEventEdgeResolvers<ContextType>;
  AuditEvent?: AuditEventResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  Tokens?: TokensResolvers<ContextType>;
  JSON?: GraphQLScalarType;
  Factor?: FactorResolvers<ContextType>;
  FactorReset?: FactorResetResolvers<ContextType>;
  TotpEnrollment?: TotpEnrollmentResolvers<ContextType>;
  PasskeyChallenge?: PasskeyChallengeResolvers<ContextType>;
  FactorConfirmed?: FactorConfirmedResolvers<ContextType>;
  Session?: SessionResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  SessionEvent?: SessionEventResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = GraphQLContext> = {
  auth?: AuthDirectiveResolver<any, any, ContextType>;
};
