import { randomUUID } from 'node:crypto'
import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { databaseTime } from '../database/clock.ts'
import { factors } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { checkId } from '../input/id.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import { codeRefused } from '../sessions/checkCode.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof } from './checkFactorProof.ts'
import { confirmFactor, type FactorConfirmed } from './confirmFactor.ts'
import { factorColumns } from './listFactors.ts'

const enrolMinutes = 10

/** An authenticator app that is being added. */
export interface TotpEnrollment {
  readonly id: string
  /** Base32. */
  readonly secret: string
  /** `otpauth://` */
  readonly uri: string
}

/**
 * Begins to add an authenticator app. Nothing counts before `confirmTotp`. An older enrolment of the user is dropped.
 *
 * @throws AuthError REAUTHENTICATION_REQUIRED with `mfa`, UNAUTHENTICATED
 */
export async function enrollTotp(parts: Parts, viewer: SessionViewer): Promise<TotpEnrollment> {
  const { userId } = viewer
  return fenced(parts, viewer, async tx => {
    const user = await lockUser(tx, userId)
    await checkFactorProof(tx, viewer)
    const id = randomUUID()
    const { sealed, secret, uri } = parts.totp.create(id, user.email ?? userId)
    await tx.delete(factors).where(and(eq(factors.userId, userId), isNull(factors.confirmedAt)))
    await tx.insert(factors).values({ id, userId, kind: 'TOTP', secret: sealed })
    return { id, secret, uri }
  })
}

/**
 * Adds an authenticator app by one of its codes, which then does not work once more.
 *
 * @throws AuthError BAD_USER_INPUT / CODE_INVALID, or ENROLLMENT_INVALID for an id that is unknown or too old; what
 *   confirmFactor throws
 */
export async function confirmTotp(
  parts: Parts,
  viewer: SessionViewer,
  input: { id: string; code: string },
): Promise<FactorConfirmed> {
  const id = checkId(input.id, 'id')
  const isEnrolling = and(
    eq(factors.id, id),
    eq(factors.userId, viewer.userId),
    isNull(factors.confirmedAt),
    gt(factors.createdAt, sql`now() - make_interval(mins => ${enrolMinutes})`),
  )
  const refused = badUserInput('id', 'ENROLLMENT_INVALID', 'This enrolment is not valid or has expired.')
  const [found] = await parts.db
    .select({ sealed: factors.secret, now: databaseTime })
    .from(factors)
    .where(isEnrolling)
  if (found?.sealed == null) throw refused
  const step = parts.totp.stepOf({ id, sealed: found.sealed, lastStep: null }, input.code, found.now)
  if (step === undefined) throw codeRefused('code')
  return confirmFactor(parts, viewer, async tx => {
    const [factor] = await tx
      .update(factors)
      .set({ confirmedAt: sql`now()`, lastStep: step })
      .where(isEnrolling)
      .returning(factorColumns)
    if (factor === undefined) throw refused
    return factor
  })
}
