import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeOwnFolder } from '../database/ownerOnly.ts'
import type { Log } from '../log.ts'
import { headersOf, type Message, type Sender, type Transport } from './transport.ts'

/** Mails are files, for development: any mail program opens them, and a text editor shows the link. */
export function openFiles(dataDir: string, from: Sender, log: Log): Transport {
  const folder = resolve(dataDir, 'outbox')
  return {
    outcome: 'written',
    async deliver(message) {
      const { id, kind, at } = message
      await makeOwnFolder(folder)
      const name = `${at.toISOString().replace(/[:.]/g, '-')}-${kind}-${id}.eml`
      const file = join(folder, name)
      const draft = join(folder, `.${id}-${randomBytes(6).toString('hex')}`)
      try {
        // A mail holds a link that signs in: nobody but the owner may read the file.
        const handle = await open(draft, 'wx', 0o600)
        try {
          await handle.writeFile(composeFile(message, from))
          await handle.sync()
        } finally {
          await handle.close()
        }
        // Whoever watches the folder sees whole mails only.
        await rename(draft, file)
      } catch (error) {
        await rm(draft, { force: true })
        throw error
      }
      log.info({ file, kind, mailId: id }, 'A mail was written to a file. ANNUL_SMTP_URL sends mails.')
    },
    close() {},
  }
}

/** RFC 5322 and 2046. The parts are 8bit where the lines allow it, so that a link can be copied from the file. */
function composeFile(message: Message, from: Sender): string {
  const { messageId, headers } = headersOf(message, from)
  const boundary = `annul-${randomBytes(12).toString('hex')}`
  const lines = [
    `From: ${encoded(from.name)} <${oneLine(from.address)}>`,
    `To: <${oneLine(message.recipient)}>`,
    `Subject: ${encoded(message.subject)}`,
    `Message-ID: ${oneLine(messageId)}`,
    `Date: ${message.at.toUTCString().replace('GMT', '+0000')}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    ...part(boundary, 'text/plain', message.text),
    ...part(boundary, 'text/html', message.html),
    `--${boundary}--`,
    '',
  ]
  return lines.join('\r\n')
}

function part(boundary: string, type: string, text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/)
  const fits = lines.every(line => Buffer.byteLength(line) <= 998)
  const body = fits
    ? lines
    : (Buffer.from(lines.join('\r\n'))
        .toString('base64')
        .match(/.{1,76}/g) ?? [])
  const encoding = fits ? '8bit' : 'base64'
  return [
    `--${boundary}`,
    `Content-Type: ${type}; charset=utf-8`,
    `Content-Transfer-Encoding: ${encoding}`,
    '',
    ...body,
  ]
}

/** A text in a header: as it is, or in encoded words (RFC 2047), which hold neither a line break nor a comma. */
function encoded(text: string): string {
  if (/^[\w !'./?-]*$/.test(text) && text.length <= 60) return text
  const words: string[] = []
  let word = ''
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 42) {
      words.push(word)
      word = ''
    }
    word += character
  }
  return [...words, word].map(each => `=?UTF-8?B?${Buffer.from(each).toString('base64')}?=`).join('\r\n ')
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}
