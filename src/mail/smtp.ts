import { isIP } from 'node:net'
import { createTransport } from 'nodemailer'
import { headersOf, type Sender, type Transport, UndeliverableError } from './transport.ts'

/* In a file of its own, because an app that sends no mail does not install nodemailer. */

/** One pool. A few connections, so that one slow recipient does not hold up everybody's mails. */
export const smtpConnections = 3

/**
 * Mails go to an SMTP server. Certificates are always checked. `smtp://` is encrypted by STARTTLS where the server
 * offers it; with user name and password it must, except on this machine: who stands between could otherwise hide the
 * offer, and read the password.
 */
export function openSmtp(smtpUrl: string, from: Sender): Transport {
  const url = new URL(smtpUrl)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const secure = url.protocol === 'smtps:'
  const hasUser = url.username !== '' || url.password !== ''
  const pool = createTransport({
    pool: true,
    maxConnections: smtpConnections,
    // A message is sent again by the outbox alone, which counts and pauses.
    maxRequeues: 0,
    idleTimeout: 30_000,
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: !secure && hasUser && !isLoopback(host),
    ...(hasUser && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    dnsTimeout: 10_000,
    logger: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  return {
    outcome: 'sent',
    async deliver(message, signal) {
      const { recipient, subject, text, html, at } = message
      if (!isMailable(recipient)) throw new UndeliverableError('The recipient is no address of SMTP.')
      try {
        await pool.sendMail({
          ...headersOf(message, from),
          from,
          // As an object: a text would be parsed, and a comma in it would make two recipients.
          to: { name: '', address: recipient },
          subject,
          text,
          html,
          date: at,
          signal,
        })
      } catch (error) {
        throw isRefusedForGood(error) ? new UndeliverableError('The server refused the recipient.') : error
      }
    },
    close: () => pool.close({ force: true }),
  }
}

/** RFC 5321, 4.1.2: an account's e-mail is checked less strictly, because only a mail shows whether it exists. */
function isMailable(address: string): boolean {
  return /^[^\s@<>\p{Cc}]+@[^\s@<>\p{Cc}]+$/u.test(address)
}

/**
 * A lasting refusal of the recipient (RFC 5321, 4.2.1). A refusal by a policy (RFC 3463, X.7, and 530) is none: a relay
 * that denies everybody is a mistake of a setting, and no mail should be lost by it.
 */
function isRefusedForGood(error: unknown): boolean {
  const { responseCode, command, response } = Object(error) as Record<string, unknown>
  if (command !== 'RCPT TO' || typeof responseCode !== 'number') return false
  const byPolicy = responseCode === 530 || /^\d{3}[ -]\d\.7\./.test(String(response))
  return responseCode >= 500 && responseCode < 600 && !byPolicy
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
