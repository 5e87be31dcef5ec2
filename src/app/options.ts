import type { Log } from '../log.ts'
import { nearest } from '../names.ts'
import type { AuditEvent } from './auditEvent.ts'
import { type Events, openEvents } from './events.ts'
import { type Hooks, hookNames } from './hooks.ts'
import { isPlainObject } from './plainObject.ts'
import type { AppUser } from './user.ts'

/** What an app adds to Annul's verbs. */
export interface AppOptions {
  /**
   * More claims for the user's access tokens, for example `user => ({ tenant: tenants.get(user.id) ?? null })`. Called
   * whenever a token is made, so it must be quick; not `async`. At most 1 kB as JSON. It may hold null, booleans,
   * finite numbers, texts, and lists and plain objects of these. A promise, `undefined`, a Date or a name of Annul's
   * own claims is refused: the verb fails with INTERNAL_SERVER_ERROR, and the log names the claim.
   */
  readonly claims?: ((user: AppUser) => Readonly<Record<string, unknown>>) | undefined
  /** Functions that run inside Annul's transactions, so that an app's rows and a user come and go together. */
  readonly hooks?: Hooks | undefined
  /**
   * Called with each event of the audit log that this process has written, after its commit: at most once, in the order
   * of the commits, and without delaying the answer. What it throws is logged. It may return a promise; events are
   * dropped, and their number logged, while 10,000 such promises are pending.
   */
  readonly onEvent?: ((event: AuditEvent) => unknown) | undefined
}

/** @internal The names of these options. */
export const appOptionNames = ['claims', 'hooks', 'onEvent'] as const satisfies readonly (keyof AppOptions)[]

/** @internal What an app adds, checked and opened. */
export interface App extends Pick<AppOptions, 'claims'> {
  readonly hooks: Hooks
  readonly events: Events
}

/** @internal */
export const noApp: App = { hooks: {}, events: { tell: () => {}, close: async () => {} } }

/**
 * @internal
 * @throws TypeError for a wrong type, and for the name of a hook that there is not
 */
export function openApp({ claims, hooks = {}, onEvent }: AppOptions, log: Log): App {
  checkFunction('claims', claims)
  checkFunction('onEvent', onEvent)
  // A class's methods would be overlooked by the check of names.
  if (!isPlainObject(hooks))
    throw new TypeError(`The option "hooks" must be a plain object of functions, not ${nameOfType(hooks)}.`)
  for (const [name, hook] of Object.entries(hooks)) {
    if (!(hookNames as readonly string[]).includes(name))
      throw new TypeError(
        `The option "hooks" has no hook "${name}". The nearest name is "${nearest(name, hookNames)}".`,
      )
    checkFunction(`hooks.${name}`, hook)
  }
  return { claims, hooks: { ...hooks }, events: openEvents(onEvent, log) }
}

function checkFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw new TypeError(`The option "${option}" must be a function, not ${nameOfType(value)}.`)
}

function nameOfType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && !isPlainObject(value) ? 'an instance of a class' : typeof value
}
