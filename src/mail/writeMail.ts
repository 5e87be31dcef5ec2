import type { MailContents, MailText } from '../app/mails.ts'
import type { App } from '../app/options.ts'
import type { AppUser } from '../app/user.ts'
import type { Log } from '../log.ts'
import { ownText } from './texts.ts'

interface Writing {
  readonly app: Pick<App, 'mails'>
  readonly log: Log
}

/** An app's function gets this long. It must be less than the lease of a claimed mail (mail/claimMail.ts). */
const appMs = 5000

/**
 * The text of a mail: the app's, or Annul's own where the app has none. A failure of the app's functions never keeps a
 * mail back, because the mail may be the warning of a theft.
 */
export async function writeMail(
  parts: Writing,
  mail: Omit<MailContents, 'language'>,
  user: AppUser | undefined,
): Promise<MailText> {
  const { text } = parts.app.mails
  const contents: MailContents = Object.freeze({ ...mail, language: undefined })
  if (text === undefined) return ownText(contents)
  try {
    const language = await languageOf(parts, mail, user)
    const written = await inTime('mails.text', () => text(Object.freeze({ ...contents, language })))
    if (written === undefined) return ownText(contents)
    return checkText(written)
  } catch (error) {
    parts.log.error({ err: error, kind: mail.kind }, 'mails.text failed, and the built-in text is sent.')
    return ownText(contents)
  }
}

async function languageOf(
  { app, log }: Writing,
  { kind }: Pick<MailContents, 'kind'>,
  user: AppUser | undefined,
): Promise<string | undefined> {
  const { language } = app.mails
  if (language === undefined || user === undefined) return undefined
  try {
    const answer = await inTime('mails.language', () => language(user))
    if (answer === undefined || typeof answer === 'string') return answer
    throw new TypeError('mails.language must return a text or undefined.')
  } catch (error) {
    log.error({ err: error, kind }, 'mails.language failed, and the language is unknown.')
    return undefined
  }
}

/** @throws TypeError; the message never holds the text, which has the link */
function checkText(written: unknown): MailText {
  const { subject, text, html } = Object(written) as Partial<Record<keyof MailText, unknown>>
  if (!isText(subject) || !isText(text) || !isText(html))
    throw new TypeError('mails.text must return { subject, text, html }, three texts that are not empty.')
  // A line break would begin another header.
  if (subject.length > 200 || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(subject))
    throw new TypeError('The subject that mails.text returns must be one line of at most 200 characters.')
  return { subject, text, html }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

async function inTime<T>(name: string, call: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not answer within ${appMs} ms.`)), appMs)
  })
  try {
    return await Promise.race([(async () => call())(), late])
  } finally {
    clearTimeout(timer)
  }
}
