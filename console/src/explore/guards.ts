import { settings } from '../settings.ts'
import { texts } from '../texts/en.ts'

/** One `@auth`, as the server's list of guards has it. */
interface Requirement {
  readonly roles?: readonly string[]
  readonly scopes?: readonly (readonly string[])[]
  readonly maxAge?: number
  readonly mfa?: boolean
}

/** What guards each field of the schema, in words, by `Type.field`. */
export type Guards = ReadonlyMap<string, string>

let asked: Promise<Guards> | undefined

/** Asks the server for its guards, once. Empty where it does not tell them. */
export function loadGuards(): Promise<Guards> {
  asked ??= load().catch((): Guards => {
    asked = undefined
    return new Map()
  })
  return asked
}

async function load(): Promise<Guards> {
  if (settings.guards === undefined) return new Map()
  const response = await fetch(new URL(settings.guards, document.baseURI.replace(/[?#].*$/, '')))
  const list: { field: string; guard: Requirement[] }[] = await response.json()
  return new Map(
    list.map(({ field, guard }) => [field, guard.length > 0 ? wordsOf(guard) : wordOfOpen(field)]),
  )
}

/** A field of another type is reached only through others, whose guards hold for it. */
function wordOfOpen(field: string): string {
  const { guards: words } = texts.explore
  return /^(Query|Mutation|Subscription)\./.test(field) ? words.open : words.none
}

/** All requirements must hold. */
export function wordsOf(guard: readonly Requirement[]): string {
  const { guards: words } = texts.explore
  const parts = guard.flatMap(({ roles, scopes, maxAge, mfa }) => [
    ...(roles ? [words.roles(roles)] : []),
    ...(scopes ? [words.scopes(scopes)] : []),
    ...(maxAge === undefined ? [] : [words.maxAge(maxAge)]),
    ...(mfa ? [words.mfa] : []),
  ])
  return [words.session, ...new Set(parts)].join(words.and)
}
