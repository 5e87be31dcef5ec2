import type { Queries } from '../database/open.ts'

/** A proof by a factor that was checked, and is not yet used up. */
export interface FactorProof {
  readonly factorId: string
  /** What the proof adds to the claim `amr`. */
  readonly amr: readonly string[]
  /**
   * Uses the proof up, in the transaction of what it allows: of many at once, one succeeds.
   *
   * @throws the refusal of a wrong proof, where another request was first, or the factor is gone
   */
  spend(tx: Queries): Promise<void>
}

/** A proof as it is sent: exactly one of these. */
export interface FactorInput {
  readonly totp?: string | null | undefined
  readonly recoveryCode?: string | null | undefined
  readonly passkey?: { readonly id: string; readonly response: unknown } | null | undefined
}

/** What a proof is for. */
export interface ProofOf {
  readonly userId: string
  /** What a passkey's challenge was made for (factors/passkeyChallenge.ts). */
  readonly boundTo: string
  /** The path of the input, for example `input.factor`. */
  readonly argument: string
}
