import { boolean, inet, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/*
 * The columns that an app may rely on. The others belong to Annul: they change with its versions, or are secrets, which
 * no `select()` of an app must put into an answer.
 */

const annul = pgSchema('annul')
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 })

/**
 * Annul's users, for foreign keys and joins. To be read only: a change that goes round Annul's verbs ends no token. A
 * deleted user stays, with status DELETED and without e-mail, so that a foreign key always holds.
 *
 * @example
 * export const notes = pgTable('notes', {
 *   id: serial('id').primaryKey(),
 *   owner: uuid('owner').notNull().references(() => users.id),
 * })
 */
export const users = annul.table('users', {
  id: uuid('id').primaryKey(),
  /** As it was typed. */
  email: text('email'),
  emailVerified: boolean('email_verified').notNull(),
  roles: text('roles').array().notNull(),
  scopes: text('scopes').array().notNull(),
  status: text('status', { enum: ['ACTIVE', 'BLOCKED', 'DELETED'] }).notNull(),
  createdAt: time('created_at').notNull(),
})

/**
 * Annul's sessions, for foreign keys and joins. To be read only. A row does not tell by itself whether its session is
 * live, and is deleted a month after the end: a foreign key needs `onDelete`.
 */
export const sessions = annul.table('sessions', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id')
    .notNull()
    .references(() => users.id),
  createdAt: time('created_at').notNull(),
  lastUsedAt: time('last_used_at').notNull(),
  /** When the user last proved who they are by a password. */
  authTime: time('auth_time').notNull(),
  /** The end if the session is not used again. */
  idleExpiresAt: time('idle_expires_at').notNull(),
  /** The end in any case. */
  expiresAt: time('expires_at').notNull(),
  /** When the session was ended by itself; null also for one that ended together with others. */
  endedAt: time('ended_at'),
  userAgent: text('user_agent'),
  ipAddress: inet('ip_address'),
})
