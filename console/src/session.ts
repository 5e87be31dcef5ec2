import { createSession } from 'annul/client'
import { clearTokenLog, noteToken, watchedFetch } from './data/tokenLog.ts'
import { endpoint } from './settings.ts'

/** The session of the person who looks at the page, in cookie mode, as any page of an app has one. */
export const session = createSession({ endpoint, fetch: watchedFetch })

session.subscribe(({ status, reason }) => {
  if (status !== 'signedOut') return
  if (reason === 'LOGGED_OUT') clearTokenLog()
  else noteToken(undefined)
})
