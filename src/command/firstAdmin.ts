import { AuthError } from '../errors.ts'
import { adminRole } from '../viewer.ts'
import { createUser } from './createUser.ts'
import { ownName } from './ownName.ts'
import { readLine } from './readLine.ts'
import { noBytes, type TaskParts } from './task.ts'

/** How the first admin is made in another terminal. */
export const howToMakeAdmin = [
  'There is no admin yet. To make one:',
  `  ${ownName()} create-user --email you@example.com --roles ${adminRole}`,
]

/** Asks at the terminal for the first admin, until there is one or the operator gives no e-mail or no password. */
export async function offerFirstAdmin(parts: TaskParts, say: (line: string) => void): Promise<void> {
  for (;;) {
    const email = (
      await readLine('There is no admin yet. E-mail of the first admin (empty: later): ')
    )?.trim()
    if (!email) return
    const password = await readLine('Password: ', { echo: false })
    if (password === undefined) return
    try {
      await createUser.run(parts, { email, password, roles: [adminRole], scopes: [] }, say, noBytes())
      return
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      say(error.message)
    }
  }
}
