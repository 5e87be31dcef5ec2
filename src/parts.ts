import type { App } from './app/options.ts'
import type { Config } from './config.ts'
import type { DatabaseClock } from './database/clock.ts'
import type { Database } from './database/open.ts'
import type { PasskeyChallenges } from './factors/passkeyChallenge.ts'
import type { Totp } from './factors/totp.ts'
import type { Limits } from './limits/limits.ts'
import type { Log } from './log.ts'
import type { Mails } from './mail/sendMails.ts'
import type { Metrics } from './metrics.ts'
import type { Passwords } from './passwords/hash.ts'
import type { RevocationService } from './revocation/createRevocation.ts'
import type { Fences } from './revocation/drain.ts'
import type { AccessTokens } from './tokens/accessToken.ts'
import type { AuditCursors } from './tokens/auditCursor.ts'
import type { DeviceTokens } from './tokens/deviceToken.ts'
import type { FormerTokens } from './tokens/formerTokens.ts'
import type { OneTimeTokens } from './tokens/oneTimeToken.ts'
import type { RefreshTokens } from './tokens/refreshToken.ts'
import type { SigningKeys } from './tokens/signingKeys.ts'

/** What the verbs depend on. createAuth opens the parts, and each function gets those that it needs as an argument. */
export interface Parts {
  readonly app: App
  readonly config: Config
  readonly db: Database
  readonly decisions: Database
  readonly clock: DatabaseClock
  readonly keys: SigningKeys
  readonly accessTokens: AccessTokens
  readonly formerTokens: FormerTokens
  readonly refreshTokens: RefreshTokens
  readonly oneTimeTokens: OneTimeTokens
  readonly deviceTokens: DeviceTokens
  readonly auditCursors: AuditCursors
  readonly passwords: Passwords
  readonly totp: Totp
  readonly passkeyChallenges: PasskeyChallenges
  readonly limits: Limits
  readonly revocation: RevocationService
  readonly fences: Fences
  readonly mails: Mails
  readonly log: Log
  readonly metrics: Metrics
}
