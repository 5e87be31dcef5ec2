'use client'

/*
 * What `annul/client/react` is for React Server Components (the condition `react-server` in package.json): references to
 * the same components, which a server component may place into its page. The directive stands in a file of its own,
 * because bundlers for the browser warn of it.
 */
export { SessionProvider, SignedIn, SignedOut, useSession } from './react.ts'
