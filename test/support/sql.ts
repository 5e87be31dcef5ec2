import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { variable } from './database.ts'

/** Rows of a statement, on a connection of its own: nothing of ours stands between. */
export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return [...(await sql.unsafe(text))]
  } finally {
    await sql.end()
  }
}

/** A PostgreSQL database without a single table. @returns its URL */
export async function createEmptyDatabase(): Promise<string> {
  const url = new URL(variable('TEST_POSTGRES_URL'))
  const name = `empty_${randomBytes(6).toString('hex')}`
  await query(url.href, `create database ${name}`)
  url.pathname = `/${name}`
  return url.href
}
