import { createHmac } from 'node:crypto'
import { checkAccess } from '../admin/setUserAccess.ts'
import { badUserInput } from '../errors.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { checkId } from '../input/id.ts'
import { openForeignHashes } from '../passwords/foreign/foreignHashes.ts'
import { deriveKey } from '../tokens/secret.ts'

/** A user as another system had it, checked, and in the form that is stored. */
export interface ImportedUser {
  readonly id: string
  /** Whether the file says the id. If not, the id is made of the line, so that the same line has the same id again. */
  readonly hasOwnId: boolean
  readonly email: string
  readonly emailKey: string
  readonly emailVerified: boolean
  readonly passwordHash: string
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  /** ISO 8601; null: the time of the import. */
  readonly createdAt: string | null
}

const fields = [
  ...['id', 'email', 'emailVerified', 'passwordHash'],
  ...['roles', 'scopes', 'createdAt'],
] as const

/**
 * Makes a function that reads one line of a file of users. It throws AuthError BAD_USER_INPUT for a line that is no
 * user; no message holds anything of the line.
 *
 * @param secret ANNUL_SECRET
 */
export function importedUserReader(secret: Uint8Array): (line: string) => ImportedUser {
  const hashes = openForeignHashes(secret)
  const idKey = deriveKey(secret, 'imported user ids v1')

  return line => {
    const given = parseObject(line)
    const { id, emailVerified, passwordHash, roles, scopes, createdAt } = given
    const email = checkEmail(textOf(given.email, 'email'), 'email')
    const user = {
      email,
      emailKey: emailKey(email),
      emailVerified: emailVerified == null ? false : booleanOf(emailVerified, 'emailVerified'),
      passwordHash: hashes.toStored(textOf(passwordHash, 'passwordHash')),
      ...checkAccess({ roles: textsOf(roles, 'roles'), scopes: textsOf(scopes, 'scopes') }),
      createdAt: createdAt == null ? null : timeOf(createdAt),
    }
    if (id != null) return { id: checkId(textOf(id, 'id'), 'id'), hasOwnId: true, ...user }
    const digest = createHmac('sha256', idKey).update(JSON.stringify(user)).digest()
    return { id: uuidOf(digest), hasOwnId: false, ...user }
  }
}

function wrong(argument: string, message: string) {
  return badUserInput(argument, 'LINE_INVALID', message)
}

function parseObject(line: string): Partial<Record<(typeof fields)[number], unknown>> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw wrong('line', 'This is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('line', 'This is not a JSON object.')
  const known: readonly string[] = fields
  // A name that is mistyped would be a value that is not imported. The name is not repeated: it may be anything.
  if (Object.keys(value).some(name => !known.includes(name)))
    throw wrong('line', `There is a field that is none of ${fields.join(', ')}.`)
  return value
}

function textOf(value: unknown, argument: string): string {
  if (value == null) throw wrong(argument, 'This field is missing.')
  if (typeof value !== 'string') throw wrong(argument, 'This must be a text.')
  return value
}

function textsOf(value: unknown, argument: string): string[] {
  if (value == null) return []
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string'))
    throw wrong(argument, 'This must be a list of texts.')
  return value
}

function booleanOf(value: unknown, argument: string): boolean {
  if (typeof value !== 'boolean') throw wrong(argument, 'This must be true or false.')
  return value
}

/** Date alone would also take "1", and a time without a zone as one of this machine's zone. */
const isoTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$/i
const dayMs = 86_400_000

function timeOf(value: unknown): string {
  const text = textOf(value, 'createdAt')
  // PostgreSQL writes "+00", and Date reads "+00:00".
  const time = isoTime.test(text)
    ? new Date(
        text
          .replace(' ', 'T')
          .replace(/([+-]\d\d)(\d\d)?$/, (_, hours, minutes = '00') => `${hours}:${minutes}`),
      )
    : undefined
  if (time === undefined || Number.isNaN(time.getTime()))
    throw wrong('createdAt', 'This must be a time with its zone, such as 2024-02-29T12:00:00Z.')
  // A day, because the clocks of two systems differ.
  if (time.getTime() < 0 || time.getTime() > Date.now() + dayMs)
    throw wrong('createdAt', 'This must be a time from 1970 until today.')
  return time.toISOString()
}

/** A UUID of version 8 (RFC 9562, 5.8), whose bits are the maker's own. */
function uuidOf(digest: Buffer): string {
  const bytes = Buffer.from(digest.subarray(0, 16))
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
