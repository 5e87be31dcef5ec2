import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'

/** Ends every session and token of everybody, the admin's own too. `viewer` is null on the command line. */
export async function revokeEverything(
  parts: Pick<Parts, 'app' | 'db' | 'revocation' | 'fences'>,
  viewer: Viewer | null,
): Promise<boolean> {
  return revokingAs(parts, viewer, { kind: 'everyone' }, async (tx, revoke) => {
    await revoke.everyone()
    await appendAudit(tx, { kind: 'revoke-everything', ...byViewer(viewer), userId: null })
    return true
  })
}

/**
 * To be run after a backup was restored, before the nodes start: the backup brings ended sessions back to life, and
 * sets generations back. Everybody signs in again.
 */
export async function restored(parts: Pick<Parts, 'app' | 'db' | 'revocation' | 'fences'>): Promise<boolean> {
  return revokingAs(parts, null, { kind: 'everyone' }, async (tx, revoke) => {
    await revoke.everyone(true)
    await appendAudit(tx, { kind: 'revoke-everything', detail: 'a backup was restored' })
    return true
  })
}
