import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { UserRow } from '../database/rows.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { checkId } from '../input/id.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { isRole } from '../settingValues.ts'
import { adminRole, type Viewer } from '../viewer.ts'

import { lockAdmins, refuseLastAdmin } from './lastAdmin.ts'
import { lockUser } from './lockUser.ts'

/** The length of roles and scopes as JSON that fits into an access token of 4 KB, beside the other claims. */
const maxLength = 2000

/**
 * Sets a user's roles and scopes. The access tokens die, and the sessions live: each client refreshes once.
 *
 * @param viewer null: the operator, on the command line
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT (LAST_ADMIN among others)
 */
export async function setUserAccess(
  parts: Pick<Parts, 'app' | 'db' | 'fences' | 'revocation'>,
  viewer: Viewer | null,
  input: { id: string; roles: readonly string[]; scopes: readonly string[] },
): Promise<UserRow> {
  const id = checkId(input.id, 'id')
  const access = checkAccess(input)
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    await lockAdmins(tx)
    const user = await lockUser(tx, id)
    if (!access.roles.includes(adminRole)) await refuseLastAdmin(tx, user, 'roles')
    await tx.update(users).set(access).where(eq(users.id, id))
    const versions = await revoke.user(id, 'ACCESS_CHANGED', { sessions: false })
    const detail = `${viewer ? '' : 'by the command; '}roles: ${access.roles.join(' ')}; scopes: ${access.scopes.join(' ')}`
    await appendAudit(tx, { kind: 'set-user-access', ...byViewer(viewer), userId: id, detail })
    await runHook(parts.app, 'accessChanged', tx, { ...user, ...access })
    return { ...user, ...access, ...versions }
  })
}

/**
 * Roles and scopes as they are stored: each once.
 *
 * @throws AuthError BAD_USER_INPUT / ACCESS_INVALID or ACCESS_TOO_LONG
 */
export function checkAccess(input: { roles: readonly string[]; scopes: readonly string[] }) {
  for (const argument of ['roles', 'scopes'] as const)
    for (const name of input[argument])
      if (!isRole(name))
        throw badUserInput(
          argument,
          'ACCESS_INVALID',
          'A role or scope has 1 to 100 printable ASCII characters, without space, quote and backslash.',
        )
  const roles = [...new Set(input.roles)]
  const scopes = [...new Set(input.scopes)]
  if (JSON.stringify([roles, scopes]).length > maxLength)
    throw badUserInput(
      'roles',
      'ACCESS_TOO_LONG',
      `Roles and scopes together have at most ${maxLength} characters.`,
    )
  return { roles, scopes }
}
