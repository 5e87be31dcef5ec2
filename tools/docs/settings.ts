/* Every setting, for docs/settings.md. test/docs/settings.test.ts compares the rows with what src/config.ts reads. */

export interface Setting {
  readonly name: string
  /** As the variable would hold it. Undefined: the setting has none. */
  readonly default?: string
  /** The default where NODE_ENV is production, if that is another one. */
  readonly inProduction?: string
  /** What happens without the setting, where it has no default. */
  readonly without?: string
  /** The least and the greatest whole number. */
  readonly range?: readonly [least: number, greatest: number]
  /** In Markdown, for a cell of a table. */
  readonly meaning: string
}

export interface SettingsOfTopic {
  readonly topic: string
  readonly settings: readonly Setting[]
}

export const allSettings: readonly SettingsOfTopic[] = [
  {
    topic: 'Address, database and secret',
    settings: [
      { name: 'HOST', default: '127.0.0.1', meaning: 'where the server listens; `0.0.0.0` for all networks' },
      {
        name: 'PORT',
        default: '4000',
        range: [0, 65_535],
        meaning: 'the port; `0` takes any free one, which the line "Annul is ready at …" names',
      },
      {
        name: 'DATABASE_URL',
        without: 'an embedded database',
        meaning:
          '`postgres://…`, the writable primary; without it, an embedded database in ANNUL_DATA_DIR, for one process ([operations.md](operations.md))',
      },
      {
        name: 'ANNUL_SECRET',
        without: 'generated into ANNUL_DATA_DIR',
        meaning:
          'at least 32 random bytes in base64, the same on every node; a few bytes repeated are refused. Encrypts signing keys, and authenticates refresh tokens. Required with DATABASE_URL and with NODE_ENV=production',
      },
      {
        name: 'ANNUL_SECRET_PREVIOUS',
        meaning:
          'another secret that is accepted while the secret changes, in three rounds without a log-out: [keys.md](keys.md#a-new-secret)',
      },
      {
        name: 'ANNUL_DATA_DIR',
        default: './.annul',
        meaning:
          "the directory of the embedded database, the generated secret, the command's socket and the mails that were not sent; closed to other users",
      },
      {
        name: 'ANNUL_PUBLIC_URL',
        without: "the server's own address",
        meaning: 'the base of the links in mails, and of the OAuth metadata; set it behind a proxy',
      },
    ],
  },
  {
    topic: 'Tokens and sessions',
    settings: [
      {
        name: 'ANNUL_ACCESS_TOKEN_SECONDS',
        default: '600',
        range: [30, 3600],
        meaning: 'the life of an access token',
      },
      {
        name: 'ANNUL_SESSION_IDLE_SECONDS',
        default: '2592000',
        range: [60, 315_360_000],
        meaning: 'a session ends after this long unused: 30 days',
      },
      {
        name: 'ANNUL_SESSION_MAX_SECONDS',
        default: '15552000',
        range: [60, 315_360_000],
        meaning: 'a session ends after this long in any case: 180 days',
      },
      {
        name: 'ANNUL_REFRESH_REUSE_SECONDS',
        default: '0',
        range: [0, 60],
        meaning: 'grace for clients that send no attempt; a theft within the grace is not detected',
      },
      {
        name: 'ANNUL_REFRESH_REUSE_ENDS',
        default: 'session',
        meaning: 'what a detected theft ends: `session`, or `user` (all sessions of the user)',
      },
      {
        name: 'ANNUL_BIND',
        default: 'none',
        meaning:
          'binds access tokens to the address (`ip`) or to a cookie that no script can read (`cookie`); with `ip` and an unknown address nothing is issued',
      },
      {
        name: 'ANNUL_ISSUER',
        default: 'annul',
        meaning: 'the claim `iss`, the same on every node; set the public URL where others verify the tokens',
      },
      { name: 'ANNUL_AUDIENCE', default: 'annul', meaning: 'the claim `aud`, the same on every node' },
      {
        name: 'ANNUL_SIGNING_ALGORITHM',
        default: 'ES256',
        meaning: 'ES256, RS256 or PS256, for new keys: [keys.md](keys.md#algorithms)',
      },
      {
        name: 'ANNUL_KEY_DAYS',
        default: '30',
        range: [1, 365],
        meaning: 'days until a signing key is followed by the next one, by itself: [keys.md](keys.md)',
      },
    ],
  },
  {
    topic: 'Revocation',
    settings: [
      {
        name: 'ANNUL_REVOCATION',
        default: 'view',
        meaning:
          '`view`: decide from memory within the lease; `strict`: read the version column on every request',
      },
      {
        name: 'ANNUL_LEASE_MS',
        default: '2000',
        range: [200, 60_000],
        meaning: 'the longest that a node decides from memory without hearing from the database',
      },
      {
        name: 'ANNUL_FEED_ACK_MS',
        default: '500',
        range: [50, 10_000],
        meaning:
          'how long a verifier may take to acknowledge a revocation before it is left out for a while: [fleet.md](fleet.md)',
      },
      {
        name: 'ANNUL_REDIS_URL',
        meaning:
          '`rediss://user:password@redis.example.com:6379`: mirrors revocations for services in any language, with `npm install @redis/client`: [redis.md](redis.md)',
      },
      {
        name: 'ANNUL_SERVICE',
        meaning:
          "a service's secret, for programs of yours that verify tokens: Annul itself does not read it",
      },
    ],
  },
  {
    topic: 'Browsers and proxies',
    settings: [
      {
        name: 'ANNUL_ALLOWED_ORIGINS',
        without: "the server's own",
        meaning:
          'comma-separated origins whose pages may use the cookie and read answers (CORS); set it behind a proxy that rewrites `Host`. A refused origin is named in the log, once, and the page gets 403 ORIGIN_NOT_ALLOWED',
      },
      {
        name: 'ANNUL_TRUSTED_PROXIES',
        meaning:
          'comma-separated addresses and ranges whose X-Forwarded-For is believed, read from the right; in your own server too',
      },
      {
        name: 'ANNUL_CONSOLE',
        default: 'on',
        inProduction: 'off',
        meaning: 'the console, a web page at `/`: [console.md](console.md)',
      },
      {
        name: 'ANNUL_INTROSPECTION',
        default: 'on',
        inProduction: 'off',
        meaning: 'introspection, and names that errors suggest',
      },
    ],
  },
  {
    topic: 'Accounts, passwords and mails',
    settings: [
      {
        name: 'ANNUL_PASSWORD_MIN_LENGTH',
        default: '15',
        range: [8, 64],
        meaning: 'the fewest characters of a new password',
      },
      {
        name: 'ANNUL_BREACH_URL',
        meaning:
          'a range query such as `https://api.pwnedpasswords.com/range/`: new passwords that are found there are refused. The service gets five hexadecimal digits of a SHA-1; without an answer within 500 ms the password is accepted',
      },
      {
        name: 'ANNUL_REQUIRE_VERIFIED_EMAIL',
        default: 'false',
        meaning:
          '`true`: `register` answers null, the link of its mail makes the account, and `login` opens the first session; in production it needs ANNUL_SMTP_URL ([account.md](account.md))',
      },
      {
        name: 'ANNUL_MFA_ROLES',
        meaning:
          'comma-separated roles, such as `admin`, that an access token carries only when its user has given a second factor or a passkey: until then a field that asks for one answers REAUTHENTICATION_REQUIRED with `mfa` ([server.md](server.md#roles-that-want-a-second-factor)); the same on every node',
      },
      {
        name: 'ANNUL_SMTP_URL',
        without: 'mails are files',
        meaning:
          '`smtps://user:password@mail.example.com`, with `npm install nodemailer`; without it, mails are files in ANNUL_DATA_DIR/outbox, which the log names ([mail.md](mail.md))',
      },
      {
        name: 'ANNUL_MAIL_FROM',
        without: '`no-reply@` and the host of ANNUL_PUBLIC_URL',
        meaning: 'the sender: an address, or `Name <address>`',
      },
      {
        name: 'ANNUL_LINKS',
        without: "Annul's own pages",
        meaning:
          'where links in mails lead: a URL with `{token}` and `{purpose}`, such as `https://app.example.com/{purpose}#{token}`',
      },
      { name: 'ANNUL_SITE_NAME', default: 'Annul', meaning: 'the name in mails, which no password may be' },
    ],
  },
  {
    topic: 'Limits',
    settings: [
      {
        name: 'ANNUL_LIMITS',
        default: 'on',
        meaning:
          'whether guessing is limited ([brute-force.md](brute-force.md)); `off` is for load tests, and refused in production',
      },
      {
        name: 'ANNUL_MAX_IN_FLIGHT',
        default: '200',
        range: [1, 100_000],
        meaning: 'requests at a time; more get 503 with Retry-After',
      },
      {
        name: 'ANNUL_SOCKETS',
        default: '10000',
        range: [1, 1_000_000],
        meaning: 'the most WebSockets in all; more are refused with 503',
      },
      {
        name: 'ANNUL_SOCKETS_PER_ADDRESS',
        default: '100',
        range: [1, 1_000_000],
        meaning: 'the most WebSockets of one client address; more are refused with 429',
      },
      {
        name: 'ANNUL_OPERATIONS',
        without: 'every operation is answered',
        meaning:
          'a file with the only operations that are answered: [persisted-operations.md](persisted-operations.md)',
      },
    ],
  },
  {
    topic: 'Operation',
    settings: [
      {
        name: 'ANNUL_METRICS',
        default: 'on',
        inProduction: 'off',
        meaning:
          '`/metrics` for Prometheus: `on` (the same port), `off`, or `HOST:PORT` of a listener of its own',
      },
      {
        name: 'ANNUL_LOG_LEVEL',
        default: 'info',
        meaning: 'the least severe lines that are written: trace, debug, info, warn, error, fatal or silent',
      },
      {
        name: 'ANNUL_AUDIT_DAYS',
        default: '400',
        range: [1, 36_500],
        meaning: 'how long audit events are kept; whole hours are purged ([audit.md](audit.md))',
      },
      {
        name: 'ANNUL_FEDERATION',
        default: 'off',
        meaning:
          '`on`: `/graphql` is a subgraph of Apollo Federation 2, and every answer is HTTP 200: [federation.md](federation.md)',
      },
    ],
  },
]
