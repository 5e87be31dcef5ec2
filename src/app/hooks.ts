import type { AppUser } from './user.ts'

/** A value of a statement. Lists and objects: `JSON.stringify` them, and write `$1::jsonb` in the statement. */
export type HookParameter = string | number | bigint | boolean | null | Date | Uint8Array

/**
 * Annul's open transaction, as long as a hook runs. A statement that fails has failed the transaction, also where the
 * hook catches its error. Statements that begin or end transactions are refused, savepoints included.
 */
export interface HookTransaction {
  /**
   * Runs one statement.
   *
   * @param text one SQL statement, with `$1`, `$2`, … for its values
   * @returns its rows by column names, none for a statement without `returning`. Times come as text; cast bigints to
   *   text, because the two kinds of database differ in them
   * @throws the driver's error; Error when the hook is over, TypeError for a value of another type
   * @example
   * await tx.query('insert into profiles (user_id, name) values ($1, $2)', [user.id, 'New here'])
   */
  query<Row = Record<string, unknown>>(text: string, parameters?: readonly HookParameter[]): Promise<Row[]>
}

/** Called inside Annul's transaction, as its last step before the commit. */
export type Hook = (tx: HookTransaction, user: AppUser) => void | Promise<void>

/** As Hook, for a user with another id than before. */
export type RecoveredHook = (
  tx: HookTransaction,
  user: AppUser,
  recovery: { readonly formerId: string },
) => void | Promise<void>

/**
 * What an app does in the transactions of Annul's verbs. What a hook throws rolls the verb back, and is what the verb
 * answers with: an AuthError, or a GraphQLError with a code, as it is, and any other error as INTERNAL_SERVER_ERROR with
 * the id of a log entry. A hook that runs no statement for 2 s fails: nothing in a transaction waits for the outside.
 *
 * The operator's commands (`annul create-user`, `annul block`, …) run in a process of their own, without hooks.
 */
export interface Hooks {
  /** `register` made the account, or `verifyEmail` where an e-mail must be verified first. */
  readonly registered?: Hook | undefined
  /** `login` or `resetPassword` opened a session. Also the place to make what `registered` would have made for older accounts. */
  readonly signedIn?: Hook | undefined
  /** `setUserAccess` set roles and scopes; the user has the new ones. */
  readonly accessChanged?: Hook | undefined
  /** `blockUser` blocked the account. */
  readonly blocked?: Hook | undefined
  /** `unblockUser` let the user in again. */
  readonly unblocked?: Hook | undefined
  /** `deleteUser` or `deleteAccount` removed the personal data; the user is as it was before. */
  readonly deleted?: Hook | undefined
  /** The user has shown that mails to the account's e-mail arrive (`verifyEmail`, `resetPassword`). */
  readonly emailVerified?: Hook | undefined
  /** `verifyEmail` or `restoreEmail` gave the account another e-mail; the user has the new one. */
  readonly emailChanged?: Hook | undefined
  /** `recoverAccount` gave the account another id. Foreign keys with ON UPDATE CASCADE have followed already. */
  readonly recovered?: RecoveredHook | undefined
}

/** @internal */
export const hookNames = [
  'registered',
  'signedIn',
  'accessChanged',
  'blocked',
  'unblocked',
  'deleted',
  'emailVerified',
  'emailChanged',
  'recovered',
] as const satisfies readonly (keyof Hooks)[]

/** @internal */
export type HookName = keyof Hooks
