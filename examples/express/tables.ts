import { users } from 'annul/tables'
import { sql } from 'drizzle-orm'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'

/* The app's own tables. Each row belongs to a user of Annul's. */

export const profiles = pgTable('profiles', {
  userId: uuid('user_id')
    .primaryKey()
    .references(() => users.id),
  name: text('name').notNull(),
})

export const notes = pgTable('notes', {
  id: uuid('id').primaryKey().defaultRandom(),
  ownerId: uuid('owner_id')
    .notNull()
    .references(() => users.id),
  text: text('text').notNull(),
})

/** An app would have migrations. Annul's tables must be there before. */
export const createTables = [
  sql`create table if not exists profiles (
    user_id uuid primary key references annul.users (id), name text not null)`,
  sql`create table if not exists notes (
    id uuid primary key default gen_random_uuid(), owner_id uuid not null references annul.users (id), text text not null)`,
]
