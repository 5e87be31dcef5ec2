import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { UserRow } from '../database/rows.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { checkId } from '../input/id.ts'
import { checkText } from '../input/text.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'

import { lockAdmins, refuseLastAdmin } from './lastAdmin.ts'
import { lockUser } from './lockUser.ts'

/**
 * Blocks a user: all sessions end, and the user can't sign in until unblockUser.
 *
 * @param viewer null: the operator, on the command line
 * @param input.reason for the audit log, at most 500 characters
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT (LAST_ADMIN among others)
 */
export async function blockUser(
  parts: Pick<Parts, 'app' | 'db' | 'fences' | 'revocation'>,
  viewer: Viewer | null,
  input: { id: string; reason?: string | null | undefined },
): Promise<UserRow> {
  const id = checkId(input.id, 'id')
  const detail = input.reason == null ? null : checkText(input.reason, 500, 'reason')
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    await lockAdmins(tx)
    const user = await lockUser(tx, id)
    if (user.status === 'BLOCKED') return user
    await refuseLastAdmin(tx, user, 'id')
    await tx.update(users).set({ status: 'BLOCKED' }).where(eq(users.id, id))
    const versions = await revoke.user(id, 'USER_BLOCKED', { sessions: true })
    await appendAudit(tx, { kind: 'block-user', ...byViewer(viewer), userId: id, detail })
    await runHook(parts.app, 'blocked', tx, user)
    return { ...user, ...versions, status: 'BLOCKED' }
  })
}

/** Lets a blocked user sign in again. What the block ended stays ended. @throws AuthError NOT_FOUND, BAD_USER_INPUT */
export async function unblockUser(
  parts: Pick<Parts, 'app' | 'db' | 'fences' | 'revocation'>,
  viewer: Viewer | null,
  input: { id: string },
): Promise<UserRow> {
  const id = checkId(input.id, 'id')
  return fenced(parts, viewer, async tx => {
    const user = await lockUser(tx, id)
    if (user.status === 'ACTIVE') return user
    await tx.update(users).set({ status: 'ACTIVE' }).where(eq(users.id, id))
    await appendAudit(tx, { kind: 'unblock-user', ...byViewer(viewer), userId: id })
    await runHook(parts.app, 'unblocked', tx, user)
    return { ...user, status: 'ACTIVE' }
  })
}
