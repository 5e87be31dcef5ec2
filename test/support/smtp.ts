import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { cert, key } from './certificate.ts'

/** A mail as the server has accepted it. */
export interface ReceivedMail {
  readonly from: string
  readonly to: string
  readonly raw: string
  /** Whether the connection was encrypted. */
  readonly secure: boolean
  /** By lower-case name, unfolded and decoded. */
  readonly headers: Readonly<Record<string, string>>
  /** The decoded parts. */
  readonly text: string
  readonly html: string
}

/** An SMTP server that keeps what it accepts. */
export interface Smtp {
  readonly port: number
  readonly url: string
  readonly received: readonly ReceivedMail[]
  close(): Promise<void>
}

/** An answer of the server: nothing accepts, a text such as `550 5.1.1 unknown` refuses. A promise lets wait. */
type Answer = string | undefined | Promise<string | undefined>

export interface SmtpOptions extends Pick<SMTPServerOptions, 'secure' | 'hideSTARTTLS' | 'onAuth'> {
  readonly port?: number
  readonly onRecipient?: (address: string) => Answer
  readonly onMail?: (mail: ReceivedMail) => Answer
}

/** Plain by default. */
export async function startSmtp(options: SmtpOptions = {}): Promise<Smtp> {
  const { port = 0, onRecipient, onMail, secure = false, hideSTARTTLS = !secure, onAuth } = options
  const received: ReceivedMail[] = []
  const server = new SMTPServer({
    secure,
    hideSTARTTLS,
    disabledCommands: hideSTARTTLS ? ['STARTTLS'] : [],
    key,
    cert,
    allowInsecureAuth: true,
    authOptional: onAuth === undefined,
    ...(onAuth && { onAuth }),
    closeTimeout: 50,
    onRcptTo: ({ address }, _session, callback) => void answer(onRecipient?.(address), callback),
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', chunk => chunks.push(chunk))
      stream.once('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const to = rcptTo.map(({ address }) => address).join()
        const raw = Buffer.concat(chunks).toString()
        const mail = { from, to, secure: session.secure, ...readMail(raw) }
        void answer(onMail?.(mail), error => {
          if (!error) received.push(mail)
          callback(error)
        })
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const taken = (server.server.address() as AddressInfo).port
  return {
    port: taken,
    url: `${secure ? 'smtps' : 'smtp'}://127.0.0.1:${taken}`,
    received,
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

async function answer(given: Answer, callback: (error?: Error | null) => void): Promise<void> {
  const text = await given
  if (text === undefined) return callback()
  callback(Object.assign(new Error(text.slice(4)), { responseCode: Number(text.slice(0, 3)) }))
}

/** Reads a mail of two parts (RFC 5322, 2046 and 2047), as far as Annul and nodemailer write them. */
export function readMail(raw: string): Pick<ReceivedMail, 'raw' | 'headers' | 'text' | 'html'> {
  const { headers, body } = split(raw)
  const [, boundary = 'none'] = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '') ?? []
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map(part => split(part.replace(/^\r\n/, '')))
  const textOf = (type: string) => {
    const part = parts.find(({ headers }) => headers['content-type']?.startsWith(type))
    return part === undefined ? '' : decoded(part.headers['content-transfer-encoding'], part.body)
  }
  return { raw, headers, text: textOf('text/plain'), html: textOf('text/html') }
}

function split(raw: string): { headers: Record<string, string>; body: string } {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = lines.map(line => {
    const at = line.indexOf(':')
    return [line.slice(0, at).toLowerCase(), words(line.slice(at + 1).trim())]
  })
  return { headers: Object.fromEntries(headers), body: raw.slice(end + 4) }
}

function words(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString()
        : quotedPrintable(text.replaceAll('_', ' ')),
    )
}

function decoded(encoding: string | undefined, body: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  return encoding === 'quoted-printable' ? quotedPrintable(body) : body
}

function quotedPrintable(text: string): string {
  const joined = text.replace(/=\r\n/g, '')
  const bytes = joined.replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}
