/** What the server says about itself, in a `meta` element of the page. */
export interface Settings {
  /** The GraphQL endpoint, relative to the page. */
  readonly endpoint: string
  /** The name of the site that the accounts belong to. */
  readonly siteName: string
  /** Whether the endpoint takes subscriptions over WebSockets. */
  readonly subscriptions: boolean
  /** The address of the list of guards, relative to the page; undefined: the server does not tell. */
  readonly guards?: string | undefined
  /** Whether the schema has passkeys and second factors. */
  readonly factors: boolean
  /** The fewest characters of a new password. */
  readonly passwordMinLength?: number | undefined
}

const given = document.querySelector<HTMLMetaElement>('meta[name="annul-console"]')?.content ?? '{}'

export const settings: Settings = {
  endpoint: 'graphql',
  siteName: 'Annul',
  subscriptions: true,
  factors: false,
  ...JSON.parse(given),
}

/** The endpoint as a whole address. */
export const endpoint = new URL(settings.endpoint, document.baseURI.replace(/[?#].*$/, ''))
