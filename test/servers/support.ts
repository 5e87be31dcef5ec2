import { afterEach } from '@jest/globals'
import { createAuth, insidesOf } from '../../src/auth.ts'
import type { Settings } from '../../src/options.ts'
import { newSecret } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'

/** An auth of an app, for the tests that are about the app around it. */
export async function openAppAuth(settings: Settings = {}) {
  const { env } = await createDatabase()
  const lines: Record<string, unknown>[] = []
  const write = (level: string) => (details: object, message: string) =>
    lines.push({ level, message, ...details })
  const auth = await createAuth({
    secret: newSecret(),
    leaseMs: 500,
    ...(env.DATABASE_URL && { databaseUrl: env.DATABASE_URL }),
    ...(env.ANNUL_DATA_DIR && { dataDir: env.ANNUL_DATA_DIR }),
    ...settings,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
  })
  return { auth, opened: insidesOf(auth), lines, close: () => auth.close() }
}

/** What is opened in a test is closed after it, the last first. */
export function useClosing(): (close: () => Promise<unknown>) => void {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })
  return close => closing.push(close)
}

/** Sends a text to a path, and reads the answer as text. */
export async function send(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init)
  return { status: response.status, text: await response.text(), headers: response.headers }
}

/** A POST of an operation, or of whatever stands in its place. */
export const posting = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
