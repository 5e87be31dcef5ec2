/** How many attempts there may be, and after how long a budget that was used up is whole again. */
export interface Budget {
  readonly most: number
  readonly seconds: number
}

const quarter = 15 * 60
const hour = 60 * 60

/**
 * Every budget (docs/brute-force.md). Each is a leaky bucket: time gives back `most` attempts in `seconds`, evenly. A
 * success gives its own attempt back, so only failures are felt. Registrations and mails are never given back, because
 * each of them costs something.
 */
export const budgets = {
  /**
   * Passwords for one account, from devices that the account does not know. OWASP and NIST leave the number to the
   * site; a person who has not found the password after ten tries asks for a mail.
   */
  account: { most: 10, seconds: quarter },
  /** Passwords from one address, for whatever account: one password tried on many accounts. An office shares one address. */
  address: { most: 100, seconds: quarter },
  /** Passwords for one account from one address: below `account`, so that one address alone does not use that up. */
  'account-address': { most: 5, seconds: quarter },
  /** Passwords for one account on one device that the account knows, in place of the three above. */
  device: { most: 10, seconds: quarter },
  /** Passwords that one session asks for: whoever stole an access token must not find the password with it. */
  session: { most: 5, seconds: quarter },
  /**
   * Answers of one user with a second factor, after the right password. By the user's id: an e-mail may change. A code of
   * 6 digits has 1,000,000 values.
   */
  factor: { most: 20, seconds: hour },
  /**
   * The same on one device on which the user has used a factor, in place of the one above: whoever knows the password
   * can't keep the owner out by wrong codes.
   */
  'factor-device': { most: 20, seconds: hour },
  /** Factors that one user adds, and new recovery codes: each costs ten hashes and a mail, and is never given back. */
  'factor-changes': { most: 10, seconds: hour },
  /** Registrations from one address, which also tell whether an account exists. */
  register: { most: 100, seconds: hour },
  /** Links and codes of mails that one address presents. */
  'one-time-token': { most: 30, seconds: quarter },
  /** Mails to one address, but those of `reset-recipient`. */
  'mail-recipient': { most: 5, seconds: hour },
  /**
   * Links for a new password, to one account. Apart from other mails: otherwise whoever asks for those, which bring the
   * owner no link, would keep the owner from the last way in. Of these, each brings a link.
   */
  'reset-recipient': { most: 5, seconds: hour },
  /**
   * Warnings of one kind to one address. Whoever knows the password causes as many as they like, for example
   * by changing it back and forth, and the address may be a stranger's. By the fifth the owner has been warned.
   */
  warning: { most: 5, seconds: hour },
  /** Mails that one account asks for. */
  'mail-account': { most: 10, seconds: hour },
  /** Mails that one network address asks for. */
  'mail-address': { most: 20, seconds: hour },
  /** Refresh tokens of one address that are not authentic. */
  'forged-token': { most: 100, seconds: quarter },
  /** Secrets of services that one address presents and that are none. */
  'service-secret': { most: 30, seconds: quarter },
} as const satisfies Record<string, Budget>

export type BudgetName = keyof typeof budgets

/** NIST SP 800-63B-4, 3.2.2: at most 100 failed attempts in a row for an account. */
export const mostFailures = 100
/** Failures are forgotten when nobody has tried for this long. */
export const failureDays = 90

/** By what a budget is told apart from others of its name. */
type Scope = 'account' | 'address' | 'recipient' | 'user'

/** What is limited beside passwords, with the budgets that it is charged to. */
export const actions = {
  register: [['register', 'address']],
  token: [['one-time-token', 'address']],
  'factor-changes': [['factor-changes', 'user']],
  passkey: [['address', 'address']],
  mail: [
    ['mail-recipient', 'recipient'],
    ['mail-account', 'account'],
    ['mail-address', 'address'],
  ],
  reset: [
    ['reset-recipient', 'recipient'],
    ['mail-address', 'address'],
  ],
} as const satisfies Record<string, readonly (readonly [BudgetName, Scope])[]>

export type Action = keyof typeof actions

/** After this long every budget is whole again, and its row is of no use. */
export const longestSeconds = Math.max(...Object.values(budgets).map(({ seconds }) => seconds))
