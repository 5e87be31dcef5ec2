import { ask } from '../../data/ask.ts'

const query = `query ResetOutcome($userId: ID!) {
  auditEvents(userId: $userId, first: 20) { edges { node { kind } } }
}`

/** The newest event first. The one of the two that is found first tells what has come of the removal. */
const outcomes: Readonly<Record<string, 'done' | 'waits'>> = {
  'reset-factors': 'done',
  'begin-factor-reset': 'waits',
}

/** What has come of a removal of all factors, which the answer does not tell. @returns `unsure` where it can't be read */
export async function resetOutcome(userId: string): Promise<'done' | 'waits' | 'unsure'> {
  try {
    const { auditEvents } = await ask<{
      auditEvents: { edges: readonly { node: { kind: string } }[] }
    }>(query, { userId })
    return auditEvents.edges.flatMap(({ node }) => outcomes[node.kind] ?? [])[0] ?? 'unsure'
  } catch {
    return 'unsure'
  }
}
