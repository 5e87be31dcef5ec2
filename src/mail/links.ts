import type { Config } from '../config.ts'
import type { oneTimeTokens } from '../database/tables.ts'

type Purpose = (typeof oneTimeTokens.$inferSelect)['purpose']

/** Which page a link opens: the pages of Annul are `/account/` and this. */
const pageOf: Readonly<Record<Purpose, string>> = {
  register: 'verify-email',
  'verify-email': 'verify-email',
  'change-email': 'verify-email',
  'reset-password': 'reset-password',
  'restore-email': 'restore-email',
}

/**
 * The link of a mail. Never made from a request: a forged `Host` would send the token to the attacker's server.
 *
 * @param base for Annul's own pages, without a slash at its end
 */
export function linkOf(config: Pick<Config, 'links'>, base: string, purpose: Purpose, token: string): string {
  const page = pageOf[purpose]
  if (config.links === undefined) return `${base}/account/${page}?token=${token}`
  return config.links.replaceAll('{purpose}', page).replaceAll('{token}', token)
}
