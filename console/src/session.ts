import { createSession } from 'annul/client'
import { noteOutage } from './data/outage.ts'
import { clearTokenLog, noteToken, watchedFetch } from './data/tokenLog.ts'
import { endpoint } from './settings.ts'

/** The session of the person who looks at the page, in cookie mode, as any page of an app has one. */
export const session = createSession({ endpoint, fetch: attentiveFetch })

let former: string | undefined
session.subscribe(({ status, reason, user }) => {
  if (user && former !== undefined && user.id !== former) clearTokenLog()
  former = user?.id ?? former
  if (status !== 'signedOut') return
  if (reason === 'LOGGED_OUT') clearTokenLog()
  else noteToken(undefined)
})

/**
 * The session tries again for many seconds before it gives up, so an outage is noted at the first answer that tells of
 * it. A form of a person who is not signed in says by itself what has failed.
 */
async function attentiveFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const note = () => session.state.status !== 'signedOut' && noteOutage(true)
  try {
    const response = await watchedFetch(input, init)
    if (response.status === 503) note()
    return response
  } catch (error) {
    if (!init?.signal?.aborted) note()
    throw error
  }
}
