import { and, eq, isNotNull } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { factors } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { checkId } from '../input/id.ts'
import { checkText } from '../input/text.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import type { SessionViewer } from '../viewer.ts'
import { type Factor, factorColumns } from './listFactors.ts'

/** In characters. */
export const longestName = 100

/**
 * Gives one of the viewer's factors another name. A name proves nothing, so no proof is asked for.
 *
 * @throws AuthError BAD_USER_INPUT: FACTOR_UNKNOWN, also for another user's factor; ID_INVALID, TEXT_EMPTY, TEXT_TOO_LONG
 *   or TEXT_CHARACTERS
 */
export async function renameFactor(
  parts: Parts,
  viewer: SessionViewer,
  input: { id: string; name: string },
): Promise<Factor> {
  const id = checkId(input.id, 'id')
  const name = checkFactorName(input.name, 'name')
  return fenced(parts, viewer, async tx => {
    await lockUser(tx, viewer.userId)
    const [factor] = await tx
      .update(factors)
      .set({ name })
      .where(and(eq(factors.id, id), eq(factors.userId, viewer.userId), isNotNull(factors.confirmedAt)))
      .returning(factorColumns)
    if (factor === undefined)
      throw badUserInput('id', 'FACTOR_UNKNOWN', 'There is no such factor in your account.')
    await appendAudit(tx, { kind: 'rename-factor', ...byViewer(viewer), detail: factor.kind })
    return factor
  })
}

/** @returns the name without space around it */
export function checkFactorName(text: string, argument: string): string {
  const name = checkText(text.trim(), longestName, argument)
  if (name === '') throw badUserInput(argument, 'TEXT_EMPTY', 'This text must not be empty.')
  return name
}
