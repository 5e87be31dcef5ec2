import type { MailKind } from '../app/mails.ts'
import type { App } from '../app/options.ts'
import { appUser } from '../app/user.ts'
import type { Config } from '../config.ts'
import type { Database } from '../database/open.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { OneTimeTokens } from '../tokens/oneTimeToken.ts'
import { type ClaimedMail, readToken, readUser } from './claimMail.ts'
import { linkOf } from './links.ts'
import type { Message } from './transport.ts'
import { writeMail } from './writeMail.ts'

/** What the sender needs. */
export interface Sending {
  readonly app: Pick<App, 'mails'>
  readonly config: Config
  readonly db: Database
  readonly oneTimeTokens: OneTimeTokens
  readonly log: Log
  readonly metrics: Metrics
}

/** Makes messages of claimed mails. */
export interface Composer {
  /** undefined: the link of the mail no longer counts, and a mail with a dead link helps nobody. */
  message(mail: ClaimedMail): Promise<Message | undefined>
  listensAt(url: string): void
}

/** The token of a link is made here and nowhere earlier: the outbox holds none. */
export function composeMail(parts: Sending, { production }: { production: boolean }): Composer {
  const { config, db, log, oneTimeTokens } = parts
  let base = config.publicUrl
  let isWarned = config.publicUrl !== undefined || config.links !== undefined

  const baseOfLinks = () => {
    if (!isWarned && (base === undefined || production)) {
      isWarned = true
      log.warn(
        {},
        'A mail has a link, and ANNUL_PUBLIC_URL (publicUrl) is not set: the link may lead nowhere.',
      )
    }
    return base ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`
  }

  return {
    async message(mail) {
      const { id, recipient, userId, tokenId, createdAt } = mail
      const kind = mail.kind as MailKind
      const token = tokenId === null ? undefined : await readToken(db, tokenId)
      if (tokenId !== null && !token?.isLive) return undefined
      const linked = token !== undefined && tokenId !== null
      const user = userId === null || !parts.app.mails.language ? undefined : await readUser(db, userId)
      const contents = {
        kind,
        recipient,
        userId,
        siteName: config.siteName,
        link: linked ? linkOf(config, baseOfLinks(), token.purpose, oneTimeTokens.derive(tokenId)) : null,
        code: linked && token.hasCode ? inTwo(oneTimeTokens.code(tokenId)) : null,
        lifeSeconds: linked ? (token.expiresAt.getTime() - token.createdAt.getTime()) / 1000 : null,
        expiresAt: linked ? token.expiresAt : null,
        at: createdAt,
        detail: Object.freeze({ ...mail.detail, device: shownDevice(mail.detail.device) }),
      }
      const written = await writeMail(parts, contents, user && appUser(user))
      return { id, kind, recipient, at: createdAt, ...written }
    },
    listensAt(url) {
      base ??= url
    },
  }
}

function inTwo(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

/**
 * A device's name, if it is short and of plain words. The name comes from the User-Agent, which its sender chooses:
 * otherwise anybody could write a sentence with a link into a mail of ours, by asking for somebody's new password.
 */
function shownDevice(device: string | null | undefined): string | null {
  return device && /^[A-Za-z0-9 -]{1,40}$/.test(device) ? device : null
}
