import {
  createContext,
  createElement,
  Fragment,
  type ReactElement,
  type ReactNode,
  useContext,
  useMemo,
  useSyncExternalStore,
} from 'react'
import type { Session, SessionState, SessionUser, SignedOutReason } from './types.ts'

const SessionContext = createContext<Session | null>(null)

/** Gives a session to the components below it. Create the session outside of components: one for the whole app. */
export function SessionProvider(props: { session: Session; children?: ReactNode }): ReactElement {
  return createElement(SessionContext.Provider, { value: props.session }, props.children)
}

/**
 * Who is signed in, and the session itself for its methods. The component is rendered again after every change of the
 * state. On a server and while a page is hydrated, the status is `restoring`, so that both render the same. The
 * returned object stays the same until the state changes.
 *
 * @throws Error without a `<SessionProvider>` above
 * @example
 * const { status, user, session } = useSession()
 * if (status === 'restoring') return <Spinner />
 * return user ? <button onClick={() => session.logout()}>Sign out {user.email}</button> : <LoginForm />
 */
export function useSession(): SessionState & { readonly session: Session } {
  const session = useContext(SessionContext)
  if (!session) throw new Error('useSession: there is no <SessionProvider> above this component.')
  const state = useSyncExternalStore(session.subscribe, () => session.state, whileHydrating)
  return useMemo(() => ({ ...state, session }), [state, session])
}

const restoring: SessionState = { status: 'restoring', user: null, reason: null }
const whileHydrating = (): SessionState => restoring

/** Shows its children to a user who is signed in. A function as child gets the user. Shows nothing while restoring. */
export function SignedIn(props: {
  children?: ReactNode | ((user: SessionUser) => ReactNode)
}): ReactElement | null {
  const { user } = useSession()
  return user && show(props.children, user)
}

/**
 * Shows its children where nobody is signed in. A function as child gets the reason why the session ended, null if none
 * has ended while the page was open. Shows nothing while restoring.
 */
export function SignedOut(props: {
  children?: ReactNode | ((reason: SignedOutReason | null) => ReactNode)
}): ReactElement | null {
  const { status, reason } = useSession()
  return status === 'signedOut' ? show(props.children, reason) : null
}

function show<T>(children: ReactNode | ((value: T) => ReactNode), value: T): ReactElement {
  return createElement(Fragment, null, typeof children === 'function' ? children(value) : children)
}
