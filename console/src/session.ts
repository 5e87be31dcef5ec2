import { createSession } from 'annul/client'
import { endpoint } from './settings.ts'

/** The session of the person who looks at the page, in cookie mode, as any page of an app has one. */
export const session = createSession({ endpoint })
