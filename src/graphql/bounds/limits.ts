import { GraphQLError } from 'graphql'
import { nearest } from '../../names.ts'

/** How much one operation may ask for. */
export interface Bounds {
  /** Tokens of the document; default 2000. A standard introspection has some 300. */
  readonly tokens: number
  /** Levels of fields; default 10. Those below `__schema` and `__type` are counted apart. */
  readonly depth: number
  /** Levels of fields from `__schema` or `__type` on; default 15, which a standard introspection has. */
  readonly introspectionDepth: number
  /** Aliases; default 30. */
  readonly aliases: number
  /** Directives, such as `@include`; default 50. */
  readonly directives: number
  /** Fields of a mutation's first level; default 5. */
  readonly mutationFields: number
  /** Of these, those that check or set a password, a code or a token; default 1. */
  readonly credentialMutations: number
  /** Fields, each as often as the lists around it are long (`first`, `last`); default 10,000. */
  readonly cost: number
  /** Items of a list in the arguments or in the variables; default 1000. */
  readonly listItems: number
}

export const defaultBounds: Bounds = {
  tokens: 2000,
  depth: 10,
  introspectionDepth: 15,
  aliases: 30,
  directives: 50,
  mutationFields: 5,
  credentialMutations: 1,
  cost: 10_000,
  listItems: 1000,
}

/** What a client is told of an operation beyond a bound. docs/limits.md has the same table. */
export const refusals: Readonly<
  Record<keyof Bounds, { readonly code: string; readonly message: (most: number) => string }>
> = {
  tokens: { code: 'TOO_MANY_TOKENS', message: most => `The operation has more than ${most} tokens.` },
  depth: {
    code: 'OPERATION_TOO_DEEP',
    message: most => `The operation has more than ${most} levels of fields.`,
  },
  introspectionDepth: {
    code: 'INTROSPECTION_TOO_DEEP',
    message: most => `The introspection has more than ${most} levels of fields.`,
  },
  aliases: { code: 'TOO_MANY_ALIASES', message: most => `The operation has more than ${most} aliases.` },
  directives: {
    code: 'TOO_MANY_DIRECTIVES',
    message: most => `The operation has more than ${most} directives.`,
  },
  mutationFields: {
    code: 'TOO_MANY_ROOT_FIELDS',
    message: most => `The mutation has more than ${most} root fields.`,
  },
  credentialMutations: {
    code: 'ONE_CREDENTIAL_MUTATION',
    message: most =>
      `The operation has more than ${most} of the mutations that check or set a password, a code or a token.`,
  },
  cost: {
    code: 'OPERATION_TOO_EXPENSIVE',
    message: most => `The operation asks for more than ${most} values.`,
  },
  listItems: { code: 'LIST_TOO_LONG', message: most => `A list has more than ${most} items.` },
}

/** The error about an operation beyond a bound. */
export function beyond(bound: keyof Bounds, most: number): GraphQLError {
  const { code, message } = refusals[bound]
  // `http` is for the server, and goes no further.
  return new GraphQLError(message(most), { extensions: { code, http: { status: 400 } } })
}

const codes: readonly string[] = Object.values(refusals).map(({ code }) => code)

/** Whether an error of this code is about an operation beyond a bound. */
export function isBeyondBound(code: unknown): boolean {
  return codes.includes(String(code))
}

/** @throws TypeError for an unknown bound, or one that is no whole number of at least 1 */
export function checkBounds(given: unknown = {}): Bounds {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError('The option "bounds" must be an object of numbers.')
  const names = Object.keys(defaultBounds)
  // A bound that is undefined is not given.
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [name, value] of entries) {
    if (!names.includes(name))
      throw new TypeError(`There is no bound "${name}". The nearest name is "${nearest(name, names)}".`)
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TypeError(`The bound "${name}" must be a whole number of at least 1.`)
  }
  return { ...defaultBounds, ...Object.fromEntries(entries) }
}
