/** A page of the audit log. */
export const eventsQuery = `query Events($userId: ID, $kind: String, $first: Int!, $after: String) {
  auditEvents(userId: $userId, kind: $kind, first: $first, after: $after) {
    edges { node { id at kind userId actorId ipAddress detail } }
    pageInfo { hasNextPage endCursor }
  }
}`
