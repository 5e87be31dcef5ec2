import { randomUUID } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import { checkFreshFactor } from '../accounts/checkFactorProof.ts'
import { endOneTime, makeOneTime } from '../accounts/oneTime.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { type Queries, rows } from '../database/open.ts'
import { missedReference } from '../database/outage.ts'
import type { UserRow } from '../database/rows.ts'
import { runHook } from '../database/runHook.ts'
import { oneTimeTokens, users } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { checkId } from '../input/id.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { dropFactors } from '../sessions/dropFactors.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import type { Viewer } from '../viewer.ts'
import { erased } from './eraseUser.ts'
import { lockAdmins } from './lastAdmin.ts'
import { lockUser } from './lockUser.ts'

/**
 * Gives an account that somebody else has got hold of back to its owner: a new user id, no password, no second factor,
 * and a link to the stored address that sets a new password. Whoever knows anything of the old account knows nothing of the new one. Under the
 * old id stays the row of a deleted user, by which all its tokens are refused, those of a former system too.
 *
 * Not for an admin's own account: an admin who has lost the mailbox would be locked out, and who has not uses
 * requestPasswordReset. So an admin is always left.
 *
 * Of an account with factors it wants the admin's own, as resetFactors does. No delay: a thief may have asked for it.
 *
 * @returns the user under the new id
 * @throws AuthError NOT_FOUND, REAUTHENTICATION_REQUIRED with `mfa`, BAD_USER_INPUT / OWN_ACCOUNT, or ID_REFERENCED where a
 *   foreign key does not follow
 */
export async function recoverAccount(parts: Parts, viewer: Viewer, input: { id: string }): Promise<UserRow> {
  const formerId = checkId(input.id, 'id')
  if (formerId === viewer.userId)
    throw badUserInput('id', 'OWN_ACCOUNT', 'For your own account, ask for a new password by e-mail instead.')
  return revokingAs(parts, viewer, { kind: 'user', subject: formerId }, async (tx, revoke) => {
    await lockAdmins(tx)
    const user = await lockUser(tx, formerId, 'update')
    const { hasFactors } = (await readCredentials(tx, { id: formerId })) ?? {}
    if (hasFactors) await checkFreshFactor(tx, viewer)
    await dropFactors(tx, formerId)
    // The ways back too: to whom a former address belongs is no more known than who has the old account.
    await endOneTime(tx, eq(oneTimeTokens.userId, formerId))
    const versions = await revoke.user(formerId, 'ACCOUNT_RECOVERED', { sessions: true })
    const id = await moveUser(tx, formerId)
    const { email, emailKey } = user
    if (email !== null && emailKey !== null) {
      const tokenId = await makeOneTime(tx, { purpose: 'reset-password', userId: id, email, emailKey })
      await queueMail(tx, { kind: 'account-recovered', recipient: email, userId: id, tokenId })
    }
    await appendAudit(tx, {
      ...{ kind: 'recover-account', ...byViewer(viewer), userId: id },
      detail: `the id was ${formerId}`,
    })
    const recovered = { ...user, ...versions, id, delayFactorReset: false, factorsEndAt: null }
    await runHook(parts.app, 'recovered', tx, recovered, { formerId })
    return recovered
  }).catch(error => {
    const reference = missedReference(error)
    if (reference === undefined) throw error
    parts.log.error(
      reference,
      'A foreign key to annul.users has no ON UPDATE CASCADE: no account can be recovered.',
    )
    throw badUserInput(
      'id',
      'ID_REFERENCED',
      'A table of the app refers to this id without ON UPDATE CASCADE. The log has its name.',
    )
  })
}

/**
 * Renames the row, so that foreign keys follow, and leaves a tombstone with the same versions and reasons under the old
 * id: every former token is refused by the tombstone, and every former session, which has moved, by the renamed row.
 */
async function moveUser(tx: Queries, formerId: string): Promise<string> {
  const id = randomUUID()
  const [moved] = await tx
    .update(users)
    .set({ id, passwordHash: null, delayFactorReset: false, factorsEndAt: null })
    .where(eq(users.id, formerId))
    .returning()
  if (moved === undefined) throw new Error('A user who was there under lock is gone.')
  await checkReferences(tx)
  await tx.insert(users).values({ ...moved, ...erased, id: formerId })
  return id
}

/**
 * Checks the foreign keys that are deferred to the commit: by then the tombstone would satisfy them, and the rows of the
 * app would stay with it unnoticed.
 */
async function checkReferences(tx: Queries): Promise<void> {
  const deferred = await rows<{ name: string }>(
    tx,
    sql`select format('%I.%I', n.nspname, c.conname) as name
        from pg_constraint c join pg_namespace n on n.oid = c.connamespace
        where c.contype = 'f' and c.confrelid = 'annul.users'::regclass and c.condeferred`,
  )
  if (deferred.length === 0) return
  const names = sql.raw(deferred.map(({ name }) => name).join())
  await tx.execute(sql`set constraints ${names} immediate`)
  await tx.execute(sql`set constraints ${names} deferred`)
}
