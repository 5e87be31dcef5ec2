import type { GraphQLFormattedError } from 'graphql'
import { type Refusal, refusalOf } from '../graphql/refusal.ts'
import type { Passage } from './passage.ts'

/** What a gateway's answer is sent with. */
export interface FinishedAnswer {
  /** A status other than 200, with its header. */
  readonly refusal: Refusal | undefined
  /** `extensions.annul` of Annul's own answers, which gateways drop. */
  readonly annul: Readonly<Record<string, unknown>> | undefined
}

/** @internal By the rules of Annul's own server (graphql/refusal.ts). */
export function finishAnswer(
  passage: Passage,
  data: unknown,
  errors: readonly GraphQLFormattedError[] | undefined,
): FinishedAnswer {
  return { refusal: refusalOf(data, errors), annul: passage.extension }
}
