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
  /** A point in time, RFC 3339 in UTC. */
  DateTime: { input: Date; output: Date; }
};

/** What can be asked. */
export type Query = {
  __typename?: 'Query';
  /** The viewer, or for an admin any user. Others get FORBIDDEN, whether or not there is such a user. */
  user: Maybe<User>;
  /** All users, the oldest account first. */
  users: UserConnection;
  /** Who the access token speaks for. Id, roles and scopes cost no query. */
  me: User;
  /** The viewer's live sessions, the most recently used first. */
  sessions: Array<Session>;
};


/** What can be asked. */
export type QueryUserArgs = {
  id: Scalars['ID']['input'];
};


/** What can be asked. */
export type QueryUsersArgs = {
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
  search?: InputMaybe<Scalars['String']['input']>;
};

/** What can be done. */
export type Mutation = {
  __typename?: 'Mutation';
  /** Sets a new password, and ends all other sessions. Returns this device's new tokens. */
  changePassword: Tokens;
  /** Ends all sessions of a user, and lets nobody sign in until `unblockUser`. */
  blockUser: User;
  /** Lets a blocked user sign in again. What the block ended stays ended. */
  unblockUser: User;
  /** Sets roles and scopes. Access tokens die, sessions live: it costs the client one refresh. */
  setUserAccess: User;
  /** Ends all sessions of a user, who may sign in again. */
  revokeUserSessions: User;
  /** Deletes an account. Its id is never used again. */
  deleteUser: Scalars['Boolean']['output'];
  /** Ends every session and token of everybody. */
  revokeEverything: Scalars['Boolean']['output'];
  /** Makes an account and opens its first session. Null where a verified e-mail is required first. */
  register: Maybe<Tokens>;
  /** Opens a session. Unknown user, wrong password and blocked user get one and the same answer. */
  login: Tokens;
  /** Confirms the password again, for fields that want a recent proof (`maxAge`). Returns a new access token. */
  reauthenticate: Tokens;
  /** The next tokens of a session. Repeat the attempt on every retry, and an answer that was lost comes again. */
  refresh: Tokens;
  /** Ends a session: the refresh token's, else the cookie's, else the bearer's. True: it had been live. */
  logout: Scalars['Boolean']['output'];
  /** Ends one of the viewer's own sessions. True: it had been live. */
  revokeSession: Scalars['Boolean']['output'];
  /** Signs out everywhere, here too. */
  revokeSessions: Scalars['Boolean']['output'];
  /** Signs out everywhere else. Returns this device's new tokens. */
  revokeOtherSessions: Tokens;
};


/** What can be done. */
export type MutationChangePasswordArgs = {
  input: ChangePasswordInput;
};


/** What can be done. */
export type MutationBlockUserArgs = {
  id: Scalars['ID']['input'];
  reason?: InputMaybe<Scalars['String']['input']>;
};


/** What can be done. */
export type MutationUnblockUserArgs = {
  id: Scalars['ID']['input'];
};


/** What can be done. */
export type MutationSetUserAccessArgs = {
  id: Scalars['ID']['input'];
  roles: Array<Scalars['String']['input']>;
  scopes?: Array<Scalars['String']['input']>;
};


/** What can be done. */
export type MutationRevokeUserSessionsArgs = {
  id: Scalars['ID']['input'];
};


/** What can be done. */
export type MutationDeleteUserArgs = {
  id: Scalars['ID']['input'];
};


/** What can be done. */
export type MutationRegisterArgs = {
  input: RegisterInput;
};


/** What can be done. */
export type MutationLoginArgs = {
  input: LoginInput;
};


/** What can be done. */
export type MutationReauthenticateArgs = {
  password: Scalars['String']['input'];
};


/** What can be done. */
export type MutationRefreshArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
  attempt?: InputMaybe<Scalars['String']['input']>;
};


/** What can be done. */
export type MutationLogoutArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
};


/** What can be done. */
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
  /** When the account was made. */
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
  /** 15 to 256 characters, of any kind, and not the e-mail. */
  newPassword: Scalars['String']['input'];
};

/** A page of users. */
export type UserConnection = {
  __typename?: 'UserConnection';
  /** The users of this page. */
  edges: Array<UserEdge>;
  /** Whether there are more. */
  pageInfo: PageInfo;
};

/** A user in a page. */
export type UserEdge = {
  __typename?: 'UserEdge';
  /** For `after`. */
  cursor: Scalars['String']['output'];
  /** The user. */
  node: User;
};

/** Where a page stands in its list. */
export type PageInfo = {
  __typename?: 'PageInfo';
  /** Whether a page follows. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Whether a page came before. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first. */
  startCursor: Maybe<Scalars['String']['output']>;
  /** The cursor of the last, for `after`. */
  endCursor: Maybe<Scalars['String']['output']>;
};

/** What a client is signed in with. */
export type Tokens = {
  __typename?: 'Tokens';
  /** A JSON Web Token for the Authorization header. */
  accessToken: Scalars['String']['output'];
  /** Always "Bearer". */
  tokenType: Scalars['String']['output'];
  /** Seconds until the access token expires. */
  expiresIn: Scalars['Int']['output'];
  /** For `refresh`, once. Null in cookie mode. */
  refreshToken: Maybe<Scalars['String']['output']>;
  /** The session that the tokens belong to. */
  session: Session;
  /** Who signed in. */
  user: User;
};

/** A new account. */
export type RegisterInput = {
  /** The e-mail to sign in with, at most 254 characters. */
  email: Scalars['String']['input'];
  /** 15 to 256 characters, of any kind. */
  password: Scalars['String']['input'];
  /** Keeps the refresh token in a cookie that scripts can't read. */
  cookie?: Scalars['Boolean']['input'];
};

/** Who signs in. */
export type LoginInput = {
  /** The account's e-mail. */
  email: Scalars['String']['input'];
  /** The account's password. */
  password: Scalars['String']['input'];
  /** Keeps the refresh token in a cookie that scripts can't read. */
  cookie?: Scalars['Boolean']['input'];
};

/** A device that is signed in. */
export type Session = {
  __typename?: 'Session';
  /** Stays the same over all refreshes. */
  id: Scalars['ID']['output'];
  /** Whether it is the one that asks. */
  current: Scalars['Boolean']['output'];
  /** For example "Firefox on Linux", from the User-Agent. */
  device: Maybe<Scalars['String']['output']>;
  /** Where it was opened from. */
  ipAddress: Maybe<Scalars['String']['output']>;
  /** When it was opened. */
  createdAt: Scalars['DateTime']['output'];
  /** When it was last refreshed. */
  lastUsedAt: Scalars['DateTime']['output'];
  /** The earlier of idle and absolute end. */
  expiresAt: Scalars['DateTime']['output'];
};

/** What can be listened to. */
export type Subscription = {
  __typename?: 'Subscription';
  /** What happens to the viewer's sessions, on whichever device. */
  sessionEvents: SessionEvent;
};

/** Something that happened to a session. */
export type SessionEvent = {
  __typename?: 'SessionEvent';
  /** What. */
  kind: SessionEventKind;
  /** To which session. */
  session: Session;
  /** Why it ended: LOGGED_OUT, SESSION_REVOKED or REFRESH_REUSED. */
  reason: Maybe<Scalars['String']['output']>;
  /** When. */
  at: Scalars['DateTime']['output'];
};

/** What can happen to a session. */
export type SessionEventKind =
  /** Somebody signed in. */
  | 'OPENED'
  /** It was ended. */
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
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  User: ResolverTypeWrapper<UserSource>;
  UserStatus: UserStatus;
  ChangePasswordInput: ChangePasswordInput;
  UserConnection: ResolverTypeWrapper<Omit<UserConnection, 'edges'> & { edges: Array<ResolversTypes['UserEdge']> }>;
  UserEdge: ResolverTypeWrapper<Omit<UserEdge, 'node'> & { node: ResolversTypes['User'] }>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Tokens: ResolverTypeWrapper<TokensSource>;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  Session: ResolverTypeWrapper<SessionSource>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  SessionEvent: ResolverTypeWrapper<SessionEventSource>;
  SessionEventKind: SessionEventKind;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  Query: Record<PropertyKey, never>;
  ID: Scalars['ID']['output'];
  Mutation: Record<PropertyKey, never>;
  Boolean: Scalars['Boolean']['output'];
  User: UserSource;
  ChangePasswordInput: ChangePasswordInput;
  UserConnection: Omit<UserConnection, 'edges'> & { edges: Array<ResolversParentTypes['UserEdge']> };
  UserEdge: Omit<UserEdge, 'node'> & { node: ResolversParentTypes['User'] };
  PageInfo: PageInfo;
  DateTime: Scalars['DateTime']['output'];
  Tokens: TokensSource;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  Session: SessionSource;
  Subscription: Record<PropertyKey, never>;
  SessionEvent: SessionEventSource;
  String: Scalars['String']['output'];
  Int: Scalars['Int']['output'];
};

export type AuthDirectiveArgs = {
  roles?: Maybe<Array<Scalars['String']['input']>>;
  scopes?: Maybe<Array<Array<Scalars['String']['input']>>>;
  maxAge?: Maybe<Scalars['Int']['input']>;
};

export type AuthDirectiveResolver<Result, Parent, ContextType = GraphQLContext, Args = AuthDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type QueryResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  user?: Resolver<Maybe<ResolversTypes['User']>, ParentType, ContextType, RequireFields<QueryUserArgs, 'id'>>;
  users?: Resolver<ResolversTypes['UserConnection'], ParentType, ContextType, RequireFields<QueryUsersArgs, 'first'>>;
  me?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
  sessions?: Resolver<Array<ResolversTypes['Session']>, ParentType, ContextType>;
};

export type MutationResolvers<ContextType = GraphQLContext, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  changePassword?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationChangePasswordArgs, 'input'>>;
  blockUser?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationBlockUserArgs, 'id'>>;
  unblockUser?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationUnblockUserArgs, 'id'>>;
  setUserAccess?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationSetUserAccessArgs, 'id' | 'roles' | 'scopes'>>;
  revokeUserSessions?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationRevokeUserSessionsArgs, 'id'>>;
  deleteUser?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationDeleteUserArgs, 'id'>>;
  revokeEverything?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  register?: Resolver<Maybe<ResolversTypes['Tokens']>, ParentType, ContextType, RequireFields<MutationRegisterArgs, 'input'>>;
  login?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationLoginArgs, 'input'>>;
  reauthenticate?: Resolver<ResolversTypes['Tokens'], ParentType, ContextType, RequireFields<MutationReauthenticateArgs, 'password'>>;
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
  DateTime?: GraphQLScalarType;
  Tokens?: TokensResolvers<ContextType>;
  Session?: SessionResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  SessionEvent?: SessionEventResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = GraphQLContext> = {
  auth?: AuthDirectiveResolver<any, any, ContextType>;
};
