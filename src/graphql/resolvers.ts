import { changeEmail } from '../accounts/changeEmail.ts'
import { changePassword } from '../accounts/changePassword.ts'
import { completeLogin } from '../accounts/completeLogin.ts'
import { confirmPasskey } from '../accounts/confirmPasskey.ts'
import { delayFactorReset } from '../accounts/delayFactorReset.ts'
import { deleteAccount } from '../accounts/deleteAccount.ts'
import { enrollPasskey } from '../accounts/enrollPasskey.ts'
import { confirmTotp, enrollTotp } from '../accounts/enrollTotp.ts'
import { factorReset } from '../accounts/factorReset.ts'
import { listFactors } from '../accounts/listFactors.ts'
import { makeRecoveryCodes } from '../accounts/makeRecoveryCodes.ts'
import { register } from '../accounts/register.ts'
import { removeFactor } from '../accounts/removeFactor.ts'
import { renameFactor } from '../accounts/renameFactor.ts'
import { requestEmailVerification } from '../accounts/requestEmailVerification.ts'
import { requestPasswordReset } from '../accounts/requestPasswordReset.ts'
import { resetPassword } from '../accounts/resetPassword.ts'
import { restoreEmail } from '../accounts/restoreEmail.ts'
import { verifyEmail } from '../accounts/verifyEmail.ts'
import { blockUser, unblockUser } from '../admin/blockUser.ts'
import { deleteUser } from '../admin/deleteUser.ts'
import { listNodes } from '../admin/listNodes.ts'
import { listSigningKeys } from '../admin/listSigningKeys.ts'
import { listUsers, userCursor } from '../admin/listUsers.ts'
import { readRevocationLog } from '../admin/readRevocationLog.ts'
import { recoverAccount } from '../admin/recoverAccount.ts'
import { resetFactors } from '../admin/resetFactors.ts'
import { revokeEverything } from '../admin/revokeEverything.ts'
import { revokeUserSessions } from '../admin/revokeUserSessions.ts'
import { setUserAccess } from '../admin/setUserAccess.ts'
import { listEvents, listOwnEvents } from '../audit/listEvents.ts'
import { deviceName } from '../input/device.ts'
import type { Parts } from '../parts.ts'
import { type AuthContext, type GraphQLContext, stateOf } from '../request/context.ts'
import { cookieOf, endSession, issue } from '../request/cookieMode.ts'
import { beginPasskey, beginPasskeyLogin, beginViewersPasskey } from '../sessions/beginPasskey.ts'
import { sessionEnd } from '../sessions/issueTokens.ts'
import { listSessions } from '../sessions/listSessions.ts'
import { login } from '../sessions/login.ts'
import { passkeyLogin } from '../sessions/passkeyLogin.ts'
import { reauthenticate } from '../sessions/reauthenticate.ts'
import { reauthenticateWith } from '../sessions/reauthenticateWith.ts'
import { refresh } from '../sessions/refresh.ts'
import { revokeSession } from '../sessions/revokeSession.ts'
import { revokeOtherSessions, revokeSessions } from '../sessions/revokeSessions.ts'
import type { SessionEvent } from '../sessions/sessionEvents.ts'
import { type DeviceVisitor, inSession, type OnDevice, type SessionViewer, type Viewer } from '../viewer.ts'
import { connectionOf } from './connection.ts'
import { dateTime } from './dateTime.ts'
import type { Resolvers } from './generated.ts'
import { readUser, viewerOf } from './readForViewer.ts'
import { KnownUser, sourcesOf } from './sources.ts'
import { userFields } from './userFields.ts'

/** Most fields are one line: take the viewer from the context, and call the verb. */
export const resolvers: Resolvers = {
  DateTime: dateTime,

  Query: {
    me: (_, __, { auth }) => KnownUser.ofClaims(auth.viewer()),
    sessions: async (_, __, { auth }) => {
      const { userId, sessionId } = inSession(auth.viewer())
      return sourcesOf(await listSessions(stateOf(auth).parts, userId), sessionId)
    },
    user: (_, { id }, { auth }) => readUser(auth, auth.viewer(), id, 'id'),
    users: async (_, { first = 50, after, search }, { auth }) => {
      const page = await listUsers(stateOf(auth).parts, { first, after, search })
      const edges = page.users.map(row => ({ cursor: userCursor(row), node: KnownUser.ofRow(row) }))
      return connectionOf({ ...page, edges })
    },
    revocationLog: (_, __, { auth }) => readRevocationLog(stateOf(auth).parts),
    signingKeys: async (_, __, { auth }) => [...(await listSigningKeys(stateOf(auth).parts))],
    factors: (_, __, { auth }) => listFactors(stateOf(auth).parts, inSession(auth.viewer()).userId),
    factorReset: (_, __, { auth }) => factorReset(stateOf(auth).parts, auth.viewer().userId),
    nodes: async (_, __, { auth }) => [...(await listNodes(stateOf(auth).parts))],
    auditEvents: async (_, { userId, kind, first = 50, after }, { auth }) =>
      connectionOf(await listEvents(stateOf(auth).parts, { userId, kind, first, after })),
    myEvents: async (_, { first = 50, after }, { auth }) =>
      connectionOf(await listOwnEvents(stateOf(auth).parts, auth.viewer(), { first, after })),
  },

  Mutation: {
    register: (_, { input }, { auth }) =>
      issue(stateOf(auth), () => register(...visiting(auth), input), input),
    login: (_, { input }, { auth }) => issue(stateOf(auth), () => login(...visiting(auth), input), input),
    refresh: (_, { refreshToken, attempt }, { auth }) =>
      issue(stateOf(auth), () =>
        refresh(...visiting(auth), {
          refreshToken: refreshToken ?? cookieOf(stateOf(auth), attempt),
          attempt,
        }),
      ),
    logout: (_, { refreshToken }, { auth }) => endSession(stateOf(auth), refreshToken),
    // A verb that does not rotate the refresh token sets no cookie. The browser has the cookie already. A thief with an
    // access token, who can set any header, must not get a refresh token, and a late answer must not replace a newer
    // cookie.
    reauthenticate: (_, input, { auth }) => reauthenticate(...onDevice(auth, actingInSession(auth)), input),
    revokeSession: (_, input, { auth }) => revokeSession(...actingInSession(auth), input),
    revokeSessions: (_, __, { auth }) => revokeSessions(...actingInSession(auth)),
    revokeOtherSessions: (_, __, { auth }) => revokeOtherSessions(...actingInSession(auth)),
    changePassword: (_, { input }, { auth }) =>
      changePassword(...onDevice(auth, actingInSession(auth)), input),
    requestEmailVerification: (_, __, { auth }) => requestEmailVerification(...onDevice(auth, acting(auth))),
    verifyEmail: (_, input, { auth }) => verifyEmail(...visiting(auth), input),
    requestPasswordReset: (_, input, { auth }) => requestPasswordReset(...visiting(auth), input),
    resetPassword: (_, { input }, { auth }) =>
      issue(stateOf(auth), () => resetPassword(...visiting(auth), input), input),
    changeEmail: async (_, { input }, { auth }) =>
      KnownUser.ofRow(await changeEmail(...onDevice(auth, acting(auth)), input)),
    restoreEmail: (_, input, { auth }) => restoreEmail(...visiting(auth), input),
    deleteAccount: (_, __, { auth }) => deleteAccount(...acting(auth)),
    enrollTotp: (_, __, { auth }) => enrollTotp(...actingInSession(auth)),
    confirmTotp: (_, input, { auth }) => confirmTotp(...actingInSession(auth), input),
    renameFactor: (_, input, { auth }) => renameFactor(...actingInSession(auth), input),
    removeFactor: (_, input, { auth }) => removeFactor(...actingInSession(auth), input),
    makeRecoveryCodes: (_, __, { auth }) => makeRecoveryCodes(...actingInSession(auth)),
    enrollPasskey: (_, __, { auth }) => enrollPasskey(...actingInSession(auth)),
    confirmPasskey: (_, input, { auth }) => confirmPasskey(...actingInSession(auth), input),
    beginPasskey: async (_, { challenge }, { auth }) =>
      challenge == null
        ? beginViewersPasskey(stateOf(auth).parts, inSession(await viewerOf(auth)))
        : beginPasskey(...visiting(auth), { challenge }),
    beginPasskeyLogin: (_, __, { auth }) => beginPasskeyLogin(stateOf(auth).parts),
    passkeyLogin: (_, { input }, { auth }) =>
      issue(stateOf(auth), () => passkeyLogin(...visiting(auth), input), input),
    completeLogin: (_, { input }, { auth }) =>
      issue(stateOf(auth), () => completeLogin(...visiting(auth), input), input),
    reauthenticateWith: (_, { input }, { auth }) =>
      reauthenticateWith(...onDevice(auth, actingInSession(auth)), input),
    delayFactorReset: (_, input, { auth }) => delayFactorReset(...actingInSession(auth), input),
    resetFactors: async (_, input, { auth }) => KnownUser.ofRow(await resetFactors(...acting(auth), input)),
    blockUser: async (_, input, { auth }) => KnownUser.ofRow(await blockUser(...acting(auth), input)),
    unblockUser: async (_, input, { auth }) => KnownUser.ofRow(await unblockUser(...acting(auth), input)),
    setUserAccess: async (_, { id, roles, scopes = [] }, { auth }) =>
      KnownUser.ofRow(await setUserAccess(...acting(auth), { id, roles, scopes })),
    revokeUserSessions: async (_, input, { auth }) =>
      KnownUser.ofRow(await revokeUserSessions(...acting(auth), input)),
    deleteUser: (_, input, { auth }) => deleteUser(...acting(auth), input),
    recoverAccount: async (_, input, { auth }) =>
      KnownUser.ofRow(await recoverAccount(...acting(auth), input)),
    revokeEverything: (_, __, { auth }) => revokeEverything(...acting(auth)),
  },

  Subscription: {
    sessionEvents: {
      subscribe: (_, __, { auth }) => stateOf(auth).sessionEvents.of(inSession(auth.viewer()).userId),
      // A socket may have sent a former system's token meanwhile.
      resolve: (event: SessionEvent, _: unknown, { auth }: GraphQLContext) => {
        inSession(auth.viewer())
        return event
      },
    },
  },

  SessionEvent: {
    session: ({ session }, _, { auth }) => ({
      row: session,
      current: session.id === auth.viewer().sessionId,
    }),
  },

  Tokens: {
    tokenType: () => 'Bearer',
    // Null in cookie mode. Otherwise a script with a stolen access token would get the refresh token that the cookie
    // hides, by revokeOtherSessions.
    refreshToken: ({ refreshToken, session }) => (session.cookie ? null : refreshToken),
    session: ({ session }) => ({ row: session, current: true }),
    user: tokens => KnownUser.ofTokens(tokens),
  },

  User: userFields,

  Session: {
    id: ({ row }) => row.id,
    current: ({ current }) => current,
    device: ({ row }) => deviceName(row.userAgent),
    ipAddress: ({ row }) => row.ipAddress,
    createdAt: ({ row }) => row.createdAt,
    lastUsedAt: ({ row }) => row.lastUsedAt,
    expiresAt: ({ row }) => sessionEnd(row),
  },
}

/** The first arguments of a verb that acts for the viewer. @throws AuthError UNAUTHENTICATED */
function acting(auth: AuthContext): [Parts, Viewer] {
  const state = stateOf(auth)
  return [state.parts, state.viewer()]
}

/** As `acting`, for a verb of the viewer's session. @throws AuthError also REAUTHENTICATION_REQUIRED */
function actingInSession(auth: AuthContext): [Parts, SessionViewer] {
  const [parts, viewer] = acting(auth)
  return [parts, inSession(viewer)]
}

/** With the device, for a verb that is limited or sends a code: an app's viewer does not lead to it. */
function onDevice<V extends Viewer>(auth: AuthContext, [parts, viewer]: [Parts, V]): [Parts, V & OnDevice] {
  return [parts, { ...viewer, device: stateOf(auth).visitor.device }]
}

/** The first arguments of a verb that needs no viewer. */
function visiting(auth: AuthContext): [Parts, DeviceVisitor] {
  const { parts, visitor } = stateOf(auth)
  return [parts, visitor]
}
