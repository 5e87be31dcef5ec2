import type { HookName, RecoveredHook } from '../app/hooks.ts'
import type { App } from '../app/options.ts'
import { type AppUser, appUser } from '../app/user.ts'
import { openHookTransaction } from './hookTransaction.ts'
import type { Queries } from './open.ts'

/**
 * Runs a hook of the app, if it has this one, as the last step of a verb's transaction (transact.ts).
 *
 * @throws a wrapper of what the hook throws, which `transact` takes off again
 */
export async function runHook(
  { hooks }: Pick<App, 'hooks'>,
  name: HookName,
  tx: Queries,
  user: AppUser,
  recovery: { readonly formerId: string } = { formerId: user.id },
): Promise<void> {
  const hook: RecoveredHook | undefined = hooks[name]
  if (hook === undefined) return
  const opened = openHookTransaction(tx, name)
  try {
    await opened.run(async () => hook(opened.handle, appUser(user), Object.freeze({ ...recovery })))
  } catch (error) {
    throw new HookFailure(error)
  }
}

/**
 * Keeps an app's error as it is on its way through the driver: otherwise a hook's own failed connection to anywhere
 * would be taken for an outage of Annul's database. Not as `cause`, which is searched for outages.
 */
class HookFailure extends Error {
  readonly #thrown: unknown

  constructor(thrown: unknown) {
    super('A hook failed.')
    this.#thrown = thrown
  }

  get thrown(): unknown {
    return this.#thrown
  }
}

/** What a hook has thrown; any other error as it is. */
export function thrownBy(error: unknown): unknown {
  return error instanceof HookFailure ? error.thrown : error
}
