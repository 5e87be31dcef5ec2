import type { FactorMethod } from 'annul/client'
import { failureOf } from './failure.ts'

/** That a second factor is wanted before a session is opened. */
export interface FactorQuestion {
  /** For `completeLogin`: good for 5 minutes, and for 5 answers. */
  readonly challenge: string
  readonly methods: readonly FactorMethod[]
}

/** A factor of the viewer's account. */
export interface Factor {
  readonly id: string
  readonly kind: FactorMethod
  readonly name: string | null
  readonly createdAt: string
  readonly lastUsedAt: string | null
  readonly codesLeft: number | null
}

/** The easiest one first. */
export const methodOrder: readonly FactorMethod[] = ['PASSKEY', 'TOTP', 'RECOVERY_CODE']

/** The question that an error asks; undefined: the error is another one. */
export function questionOf(error: unknown): FactorQuestion | undefined {
  const { code, challenge, methods } = Object(Object(error).extensions)
  return code === 'SECOND_FACTOR_REQUIRED' && typeof challenge === 'string' && Array.isArray(methods)
    ? { challenge, methods }
    : undefined
}

/** Whether a challenge takes no further answer: it is too old, or had too many wrong ones. */
export function isDead(error: unknown): boolean {
  return failureOf(error).reason === 'CHALLENGE_INVALID'
}
