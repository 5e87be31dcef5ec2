import type { Log } from '../log.ts'
import { nearest } from '../names.ts'
import type { AuditEvent } from './auditEvent.ts'
import { type Events, openEvents } from './events.ts'
import { type Hooks, hookNames } from './hooks.ts'
import { type MailOptions, mailOptionNames } from './mails.ts'
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
  /**
   * The app's own texts of mails, for example `{ text: mail => myTexts[mail.kind]?.(mail) }`. A mail that they do not
   * write has Annul's own English text.
   */
  readonly mails?: MailOptions | undefined
}

/** @internal The names of these options. */
export const appOptionNames = [
  'claims',
  'hooks',
  'onEvent',
  'mails',
] as const satisfies readonly (keyof AppOptions)[]

/** @internal What an app adds, checked and opened. */
export interface App extends Pick<AppOptions, 'claims'> {
  readonly hooks: Hooks
  readonly mails: MailOptions
  readonly events: Events
}

/** @internal */
export const noApp: App = { hooks: {}, mails: {}, events: { tell: () => {}, close: async () => {} } }

/**
 * @internal
 * @throws TypeError for a wrong type, and for the name of a hook or a mail's function that there is not
 */
export function openApp({ claims, hooks = {}, onEvent, mails = {} }: AppOptions, log: Log): App {
  checkFunction('claims', claims)
  checkFunction('onEvent', onEvent)
  checkFunctions('hooks', 'hook', hooks, hookNames)
  checkFunctions('mails', 'function', mails, mailOptionNames)
  return { claims, hooks: { ...hooks }, mails: { ...mails }, events: openEvents(onEvent, log) }
}

function checkFunctions(option: string, thing: string, value: object, names: readonly string[]): void {
  // A class's methods would be overlooked by the check of names.
  if (!isPlainObject(value))
    throw new TypeError(
      `The option "${option}" must be a plain object of functions, not ${nameOfType(value)}.`,
    )
  for (const [name, given] of Object.entries(value)) {
    if (!names.includes(name))
      throw new TypeError(
        `The option "${option}" has no ${thing} "${name}". The nearest name is "${nearest(name, names)}".`,
      )
    checkFunction(`${option}.${name}`, given)
  }
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
