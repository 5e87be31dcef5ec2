/** Every text of the page, in English. A translation is a second file of this shape. */
export const texts = {
  app: {
    title: 'Annul',
    skip: 'Skip to the content',
    navigation: 'Main',
    start: 'Start',
    explore: 'Explore',
    account: 'Account',
    admin: 'Admin',
    docs: 'Docs',
    signIn: 'Sign in',
    signOut: 'Sign out',
    notFound: 'There is no such page.',
    toStart: 'Go to the start page',
    outage:
      'The server can not reach its database, or this page can not reach the server. Nobody is signed out. The page goes on by itself as soon as there is an answer.',
    recovered: 'The server answers again.',
    loading: 'Loading …',
    broken: 'This part of the page has failed.',
    reload: 'Load the page again',
  },
  start: {
    heading: 'Auth for GraphQL whose tokens end when you say so',
    lead: 'This is the console of an Annul server. It signs in like any app would, and may do what you may do.',
    explore: 'Send operations, see your tokens and their refreshes, and what guards each field.',
    account: 'Your password, your e-mail, and where you are signed in.',
    admin: 'Users, the audit log, the nodes and the keys. For users with the role "admin".',
    docs: 'From the first login to a fleet of nodes.',
    endpoint: 'The GraphQL endpoint is',
  },
  signIn: {
    heading: 'Sign in',
    email: 'E-mail address',
    password: 'Password',
    submit: 'Sign in',
    ended: 'Your session has ended.',
    noAccount: 'No account yet?',
    signUp: 'Sign up',
    forgotten: 'Forgot your password?',
  },
  stepUp: {
    heading: 'Is it you?',
    lead: 'This needs a recent proof of who you are.',
    password: 'Your password',
    submit: 'Confirm',
  },
  form: {
    cancel: 'Cancel',
    close: 'Close',
    working: 'Working …',
    retry: 'Try again',
    copy: 'Copy',
    copied: 'Copied',
  },
  failure: {
    heading: 'This did not work',
    code: 'Code',
    reason: 'Reason',
    recover: 'What to do',
    id: 'Id in the server’s log',
    more: 'What this code means',
    retryAfter: (seconds: number) => `Try again in ${seconds} s.`,
    recovers: {
      LOGIN: 'Sign in again.',
      REFRESH: 'Get a new access token. The client does so by itself.',
      REAUTHENTICATE: 'Confirm your password, then do it again.',
      RETRY: 'Try again later. Nothing is lost.',
      SECOND_FACTOR: 'Confirm with your second factor.',
    } as Readonly<Record<string, string>>,
    codes: {
      UNREACHABLE: 'The server can not be reached.',
    } as Readonly<Record<string, string>>,
  },
  time: {
    never: 'never',
    now: 'just now',
  },
  /* ------------------------------------------------------------------------------------------------------- account */
  account: {},
  /* --------------------------------------------------------------------------------------------------------- admin */
  admin: {},
  /* ------------------------------------------------------------------------------------------------------- explore */
  explore: {},
  /* ---------------------------------------------------------------------------------------------------------- docs */
  docs: {
    pages: 'Pages',
    none: 'There is no such page in the docs.',
  },
}
