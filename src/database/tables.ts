import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  inet,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

/** Annul keeps everything, the migrations' bookkeeping included, in this schema. An app's tables are outside of it. */
export const annul = pgSchema('annul')

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' })
const pgSnapshot = customType<{ data: string }>({ dataType: () => 'pg_snapshot' })
/** In milliseconds, as in a Date: so a time that was read compares equal to the stored one. */
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 })

/** The token version of a new user. While a user's row has it, none of the user's tokens has been killed. */
export const firstTokenVersion = 1

/**
 * One row a person. A deleted user stays as a tombstone without e-mail and password: so a deletion raises the versions
 * like every other kill, and the reason can still be told.
 */
export const users = annul.table(
  'users',
  {
    id: uuid('id').primaryKey(),
    /** As it was typed, for showing. */
    email: text('email'),
    /** Folded (see input/email.ts), for finding. */
    emailKey: text('email_key'),
    emailVerified: boolean('email_verified').notNull().default(false),
    passwordHash: text('password_hash'),
    roles: text('roles').array().notNull().default(sql`'{}'`),
    scopes: text('scopes').array().notNull().default(sql`'{}'`),
    status: text('status', { enum: ['ACTIVE', 'BLOCKED', 'DELETED'] })
      .notNull()
      .default('ACTIVE'),
    /** Every access token carries it as `ver`; a token with a lower one is refused with `tokenReason`. */
    tokenVersion: integer('token_version').notNull().default(firstTokenVersion),
    tokenReason: text('token_reason'),
    /** Every session carries it; a session with a lower one is over, with `sessionReason`. */
    sessionVersion: integer('session_version').notNull().default(1),
    sessionReason: text('session_reason'),
    /**
     * The epoch when the row was made. Tokens of the system before Annul (tokens/formerTokens.ts) carry no epoch, so the
     * row says which one they belong to. Rows that are older than this column have the first epoch, as if every
     * revokeEverything had come after them.
     */
    createdEpoch: bigint('created_epoch', { mode: 'number' }).notNull().default(sql`annul.present_epoch()`),
    /** Whether resetFactors waits for a day, as the owner has asked (admin/resetFactors.ts). */
    delayFactorReset: boolean('delay_factor_reset').notNull().default(false),
    /** From when on the factors no longer count: an admin has reset them, and the delay runs. */
    factorsEndAt: time('factors_end_at'),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  table => [
    uniqueIndex('users_email_key').on(table.emailKey),
    index('users_created').on(table.createdAt, table.id),
    /** For finding another admin before one is blocked, demoted or deleted (admin/lastAdmin.ts). Holds few rows. */
    index('users_admins').on(table.id).where(sql`'admin' = any (${table.roles})`),
    check('users_status', sql`${table.status} in ('ACTIVE', 'BLOCKED', 'DELETED')`),
  ],
)

/** One row a session, none a token: refresh tokens are derived from the id and the generation (tokens/refreshToken.ts). */
export const sessions = annul.table(
  'sessions',
  {
    id: uuid('id').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      // recoverAccount gives a user another id.
      .references(() => users.id, { onUpdate: 'cascade' }),
    sessionVersion: integer('session_version').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    generation: integer('generation').notNull().default(1),
    /** SHA-256 of the attempt that made each of the last eight generations, newest first; null where none was sent. */
    attempts: bytea('attempts').array().notNull().default(sql`'{}'`),
    createdAt: time('created_at').notNull().defaultNow(),
    rotatedAt: time('rotated_at').notNull().defaultNow(),
    lastUsedAt: time('last_used_at').notNull().defaultNow(),
    idleExpiresAt: time('idle_expires_at').notNull(),
    expiresAt: time('expires_at').notNull(),
    endedAt: time('ended_at'),
    endReason: text('end_reason'),
    authTime: time('auth_time').notNull(),
    /** How its user has proved who they are when it was opened: methods of RFC 8176 (factors/amr.ts). */
    amr: text('amr').array().notNull().default(sql`'{pwd}'`),
    /** The factors that have opened it, or proved its user since: it ends when one of them is removed. */
    factorIds: uuid('factor_ids').array().notNull().default(sql`'{}'`),
    /** When a factor last gave a proof in it; null: none has (accounts/confirmFactor.ts). */
    factorTime: time('factor_time'),
    /** Whether its refresh token lives in a cookie: then no answer shows the token to a script again. */
    cookie: boolean('cookie').notNull().default(false),
    /** When an access token was last renewed without a refresh (sessions/renewAccessToken.ts). */
    renewedAt: time('renewed_at'),
    userAgent: text('user_agent'),
    ipAddress: inet('ip_address'),
  },
  // No index on a column that refresh writes: each rotation stays a HOT update, in place.
  table => [index('sessions_user').on(table.userId)],
)

/** One row. Access tokens and sessions of an earlier epoch are dead: everybody's, at the cost of one update. */
export const epochs = annul.table(
  'epochs',
  { id: integer('id').primaryKey().default(1), epoch: bigint('epoch', { mode: 'number' }).notNull() },
  table => [check('epochs_one_row', sql`${table.id} = 1`)],
)

/** Key pairs that sign access tokens. The private half is encrypted under ANNUL_SECRET. */
export const signingKeys = annul.table('signing_keys', {
  id: text('id').primaryKey(),
  algorithm: text('algorithm', { enum: ['ES256', 'RS256', 'PS256'] })
    .notNull()
    .default('ES256'),
  publicJwk: jsonb('public_jwk').$type<Readonly<Record<string, string>>>().notNull(),
  encryptedPrivateKey: bytea('encrypted_private_key').notNull(),
  /** A key is stored before this time, so that every node knows the key when it begins to sign. */
  signsFrom: time('signs_from').notNull(),
  /** When the key stops signing; it goes on verifying until the last token that it may have signed has expired. */
  retiredAt: time('retired_at'),
  /** When the key was revoked, because its private half is known to somebody else: it verifies nothing any more. */
  revokedAt: time('revoked_at'),
})

/** The log of everything that kills access tokens (revocation/log.ts). A row matters while such a token can live. */
export const revocations = annul.table(
  'revocations',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
    kind: text('kind', { enum: ['session', 'user', 'everyone', 'key'] }).notNull(),
    /** The id of the session, the user or the signing key. */
    subject: uuid('subject'),
    minVersion: bigint('min_version', { mode: 'number' }),
    reason: text('reason').notNull(),
    revokedAt: time('revoked_at').notNull().defaultNow(),
  },
  table => [
    index('revocations_xid').on(table.xid),
    index('revocations_revoked').on(table.revokedAt),
    check('revocations_kind', sql`${table.kind} in ('session', 'user', 'everyone', 'key')`),
  ],
)

/** One row a node that may decide from memory (revocation/follow.ts, revocation/barrier.ts). */
export const nodes = annul.table('nodes', {
  id: uuid('id').primaryKey(),
  beat: bigint('beat', { mode: 'number' }).notNull().default(0),
  leaseMs: integer('lease_ms').notNull(),
  synced: pgSnapshot('synced').notNull().default('1:1:'),
  joinedAt: time('joined_at').notNull().defaultNow(),
})

/**
 * Verifiers and mirrors that follow a node, for showing (admin/listNodes.ts): each node writes those that follow it every
 * few seconds. No promise depends on these rows.
 */
export const followers = annul.table('followers', {
  id: uuid('id').primaryKey(),
  kind: text('kind', { enum: ['VERIFIER', 'MIRROR'] }).notNull(),
  /** The service's name. */
  name: text('name').notNull(),
  /** How old its picture was when the row was written; null: it had none. */
  ageMs: doublePrecision('age_ms'),
  leaseMs: integer('lease_ms').notNull(),
  since: time('since').notNull(),
  seenAt: time('seen_at').notNull().defaultNow(),
})

/** Services that verify tokens, introspect or revoke them (services/). */
export const services = annul.table(
  'services',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    /** Of `feed`, `introspect` and `revoke`. */
    rights: text('rights').array().notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    endedAt: time('ended_at'),
  },
  // An ended service keeps its row, and its name is free again.
  table => [uniqueIndex('services_name').on(table.name).where(sql`${table.endedAt} is null`)],
)

/** Secrets of services: two live while one is replaced by the next. The secret itself is stored nowhere. */
export const serviceSecrets = annul.table(
  'service_secrets',
  {
    id: uuid('id').primaryKey(),
    serviceId: uuid('service_id')
      .notNull()
      .references(() => services.id),
    /** SHA-256. */
    hash: bytea('hash').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    endedAt: time('ended_at'),
  },
  table => [
    uniqueIndex('service_secrets_hash').on(table.hash),
    index('service_secrets_service').on(table.serviceId),
  ],
)

/** What happened to accounts and sessions, by whom, from where. Appended in the transaction that did it. */
export const auditEvents = annul.table(
  'audit_events',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** Which transaction appended it: pages are read by what was visible, because ids may commit out of order. */
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
    at: time('at').notNull().defaultNow(),
    kind: text('kind').notNull(),
    actorId: uuid('actor_id'),
    userId: uuid('user_id'),
    sessionId: uuid('session_id'),
    ipAddress: inet('ip_address'),
    device: text('device'),
    detail: text('detail'),
  },
  table => [
    // For the pages of one user, of one kind, and of what committed late (audit/listEvents.ts).
    index('audit_events_user').on(table.userId, table.id),
    index('audit_events_kind').on(table.kind, table.id),
    index('audit_events_xid').on(table.xid, table.id),
    // For the seals, which read an hour in order (audit/sealedRows.ts), and for the purge, which looks for the oldest.
    index('audit_events_at').on(table.at, table.id),
  ],
)

/**
 * One row an hour that has events and is complete: a MAC over the events and over the seal before, so that a row that
 * was removed or changed shows (audit/sealKey.ts).
 */
export const auditSeals = annul.table('audit_seals', {
  /** When the hour begins. */
  hour: time('hour').primaryKey(),
  /** How many events the hour has. */
  events: integer('events').notNull(),
  mac: bytea('mac').notNull(),
  sealedAt: time('sealed_at').notNull().defaultNow(),
  /** When the events of the hour were purged (ANNUL_AUDIT_DAYS); null while they are kept. */
  purgedAt: time('purged_at'),
})

/**
 * One row a link that was mailed. The token is derived from the id and ANNUL_SECRET (tokens/oneTimeToken.ts), so a copy
 * of the database holds none.
 */
export const oneTimeTokens = annul.table(
  'one_time_tokens',
  {
    id: uuid('id').primaryKey(),
    purpose: text('purpose', {
      enum: ['register', 'verify-email', 'change-email', 'reset-password', 'restore-email'],
    }).notNull(),
    /** null: a registration, whose account begins when the token is used. */
    userId: uuid('user_id').references(() => users.id, { onUpdate: 'cascade' }),
    /** The address that is verified, set or restored. Folded as users.email_key in `emailKey`. */
    email: text('email').notNull(),
    emailKey: text('email_key').notNull(),
    /** The password of a registration. */
    passwordHash: text('password_hash'),
    /** SHA-256 of the device that asked: only there the code beside the link counts. null: no code. */
    device: bytea('device'),
    /** Wrong codes so far. */
    codeTries: integer('code_tries').notNull().default(0),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    /** When it was used, or died because a newer one was made, or the password or e-mail changed. */
    endedAt: time('ended_at'),
  },
  table => [
    index('one_time_tokens_user').on(table.userId),
    index('one_time_tokens_email').on(table.emailKey),
    index('one_time_tokens_device').on(table.device),
    index('one_time_tokens_expires').on(table.expiresAt),
  ],
)

/** Second factors and passkeys. One row of the kind RECOVERY_CODE stands for the ten codes of an account. */
export const factors = annul.table(
  'factors',
  {
    id: uuid('id').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onUpdate: 'cascade' }),
    kind: text('kind', { enum: ['PASSKEY', 'TOTP', 'RECOVERY_CODE'] }).notNull(),
    name: text('name'),
    createdAt: time('created_at').notNull().defaultNow(),
    /** null: enrolled and not yet confirmed, so that it counts nowhere. */
    confirmedAt: time('confirmed_at'),
    lastUsedAt: time('last_used_at'),
    /** TOTP: encrypted under ANNUL_SECRET (factors/totp.ts). RECOVERY_CODE: the salt of the hashes. */
    secret: bytea('secret'),
    /** TOTP: the time step of the last code that was used. */
    lastStep: bigint('last_step', { mode: 'number' }),
    /** PASSKEY, as WebAuthn names them: what follows is null for the other kinds. */
    credentialId: text('credential_id'),
    publicKey: bytea('public_key'),
    counter: bigint('counter', { mode: 'number' }),
    transports: text('transports').array(),
    /** Whether the credential may be synchronised to other devices, and whether it was when it was last used. */
    backupEligible: boolean('backup_eligible'),
    backedUp: boolean('backed_up'),
    /** Whether its authenticator has verified its user when it was made, or beside another factor since. */
    uvInitialized: boolean('uv_initialized'),
  },
  table => [
    index('factors_user').on(table.userId),
    uniqueIndex('factors_credential').on(table.credentialId),
    check('factors_kind', sql`${table.kind} in ('PASSKEY', 'TOTP', 'RECOVERY_CODE')`),
  ],
)

/** Recovery codes, each of which works once. */
export const recoveryCodes = annul.table(
  'recovery_codes',
  {
    factorId: uuid('factor_id')
      .notNull()
      .references(() => factors.id, { onDelete: 'cascade' }),
    /** Argon2id of the code, with the salt of the factor. */
    hash: bytea('hash').notNull(),
    usedAt: time('used_at'),
  },
  table => [primaryKey({ columns: [table.factorId, table.hash] })],
)

/** One row a login, or a reset of a password, that waits for the second factor (sessions/factorChallenge.ts). */
export const factorChallenges = annul.table(
  'factor_challenges',
  {
    id: uuid('id').primaryKey(),
    /** SHA-256 of the challenge, which is stored nowhere. */
    hash: bytea('hash').notNull(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onUpdate: 'cascade' }),
    /** Those of the row whose password was checked. */
    sessionVersion: integer('session_version').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    /** A reset: the one-time token that is used up, and the hash of the new password. */
    tokenId: uuid('token_id'),
    passwordHash: text('password_hash'),
    /** Answers so far, those that are being checked included. */
    tries: integer('tries').notNull().default(0),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    spentAt: time('spent_at'),
  },
  table => [
    uniqueIndex('factor_challenges_hash').on(table.hash),
    index('factor_challenges_user').on(table.userId),
    index('factor_challenges_expires').on(table.expiresAt),
  ],
)

/** Challenges of WebAuthn that were answered. A challenge is derived when it is asked for (factors/passkeyChallenge.ts). */
export const spentChallenges = annul.table(
  'spent_challenges',
  { id: text('id').primaryKey(), expiresAt: time('expires_at').notNull() },
  table => [index('spent_challenges_expires').on(table.expiresAt)],
)

/** Mails to be sent (mail/): a row is written in the transaction that causes the mail, and removed when it was sent. */
export const outbox = annul.table(
  'outbox',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').notNull(),
    userId: uuid('user_id'),
    recipient: text('recipient').notNull(),
    /** The one-time token whose link the mail has. */
    tokenId: uuid('token_id'),
    /** What the text tells beside the link, for example the device. Never a token. */
    detail: jsonb('detail').$type<Readonly<Record<string, string | null>>>().notNull().default({}),
    createdAt: time('created_at').notNull().defaultNow(),
    attempts: integer('attempts').notNull().default(0),
    nextAt: time('next_at').notNull().defaultNow(),
  },
  table => [index('outbox_next').on(table.nextAt)],
)

/** What has been spent of the budgets of attempts (limits/). The key is a MAC: it tells neither account nor address. */
export const budgets = annul.table(
  'budgets',
  {
    key: bytea('key').primaryKey(),
    /** Attempts, less those that time has given back at `spentAt`. */
    spent: doublePrecision('spent').notNull(),
    spentAt: time('spent_at').notNull().defaultNow(),
    /** Failed attempts in a row, which time does not give back. */
    failures: integer('failures').notNull().default(0),
  },
  table => [index('budgets_spent_at').on(table.spentAt)],
)
