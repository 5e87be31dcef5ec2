/** A session, as lists and events of sessions show it. */
export interface ListedSession {
  readonly id: string
  readonly current: boolean
  readonly device: string | null
  readonly ipAddress: string | null
  readonly createdAt: string
  readonly lastUsedAt: string
  readonly expiresAt: string
}

/** What is asked for. */
export const sessionFields = 'id current device ipAddress createdAt lastUsedAt expiresAt'
