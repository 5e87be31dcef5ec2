import { checkLog, type Log, openLog, withSafeErrors } from '../log.ts'
import { refuseUnknownOptions } from '../names.ts'
import { RedisRevocations } from './redis.ts'

/** Options of createVerifier, by the feed of the auth nodes. */
export interface VerifierOptions {
  /** The auth nodes: 1 to 16 URLs, such as `https://auth.example.com`, with the path that Annul stands under. */
  readonly nodes: readonly string[]
  /** The secret of a service with the rights `feed` and `introspect` (`annul create-service`). */
  readonly service: string
  /** ANNUL_AUDIENCE of the auth nodes: tokens for another audience are refused. */
  readonly audience: string
  /** ANNUL_ISSUER of the auth nodes. Default: what the nodes say. */
  readonly issuer?: string | undefined
  /**
   * Whether tokens are accepted that are bound to a cookie or an address (ANNUL_BIND); default: false. What a token is
   * bound to reaches the auth nodes alone, so nobody checks it here.
   */
  readonly acceptBound?: boolean | undefined
  /** Whether tokens of the system before Annul (`auth.accept`) are let in, each by a request to a node; default: false. */
  readonly acceptFormer?: boolean | undefined
  /** Where failures are written, for example a pino logger; default: lines of JSON on standard error. */
  readonly log?: Log | undefined
  readonly revocations?: undefined
  readonly keys?: undefined
}

/** Options of createVerifier, by the mirror in Redis (ANNUL_REDIS_URL). */
export interface RedisVerifierOptions {
  /** What `redis(client)` returns. */
  readonly revocations: RedisRevocations
  /**
   * The URL of the keys: `https://auth.example.com/.well-known/jwks.json`. `http:` is allowed on this machine alone,
   * because whoever can change the keys can sign tokens.
   */
  readonly keys: string | URL
  /** ANNUL_AUDIENCE of the auth nodes: tokens for another audience are refused. */
  readonly audience: string
  /** ANNUL_ISSUER of the auth nodes: tokens of another issuer are refused. */
  readonly issuer: string
  /** As in VerifierOptions. */
  readonly acceptBound?: boolean | undefined
  /** As in VerifierOptions. */
  readonly log?: Log | undefined
  readonly nodes?: undefined
  readonly service?: undefined
  readonly acceptFormer?: undefined
}

interface CheckedOptions {
  readonly audience: string
  readonly acceptBound: boolean
  readonly log: Log
}

/** Options that were checked. */
export interface CheckedFeedOptions extends CheckedOptions {
  /** Without a slash at the end. */
  readonly nodes: readonly URL[]
  readonly service: string
  readonly issuer: string | undefined
  readonly acceptFormer: boolean
}

/** Options that were checked. */
export interface CheckedRedisOptions extends CheckedOptions {
  readonly revocations: RedisRevocations
  readonly keys: URL
  readonly issuer: string
}

const ofFeed = ['nodes', 'service', 'acceptFormer'] as const
const ofRedis = ['revocations', 'keys'] as const
const ofBoth = ['audience', 'issuer', 'acceptBound', 'log'] as const
const mostNodes = 16

/** @throws TypeError */
export function checkOptions(
  options: VerifierOptions | RedisVerifierOptions,
): CheckedFeedOptions | CheckedRedisOptions {
  const given: Partial<Record<string, unknown>> = Object(options)
  refuseUnknownOptions('createVerifier', given, [...ofFeed, ...ofRedis, ...ofBoth])
  const isGiven = (name: string) => given[name] !== undefined
  const feed = ofFeed.find(isGiven)
  const redis = ofRedis.find(isGiven)
  if (feed !== undefined && redis !== undefined)
    throw new TypeError(
      `createVerifier: "${feed}" and "${redis}" exclude each other: give "nodes" and "service" to follow the auth nodes, or "revocations" and "keys" to read the mirror in Redis.`,
    )
  if (feed === undefined && redis === undefined)
    throw new TypeError(
      'createVerifier needs "nodes" and "service" to follow the auth nodes, or "revocations" and "keys" to read the mirror in Redis.',
    )
  return redis === undefined
    ? checkFeedOptions(options as VerifierOptions)
    : checkRedisOptions(options as RedisVerifierOptions)
}

function checkFeedOptions(options: VerifierOptions): CheckedFeedOptions {
  const { nodes, service, issuer, acceptFormer = false } = options
  if (!Array.isArray(nodes) || nodes.length === 0 || nodes.length > mostNodes)
    throw new TypeError(`createVerifier: "nodes" must be a list of 1 to ${mostNodes} URLs.`)
  // Not shown: it is a secret, even where it is a wrong one.
  if (typeof service !== 'string' || !/^[\x21-\x7e]+$/.test(service))
    throw new TypeError(
      'createVerifier: "service" must be the secret of a service, as "annul create-service" prints it.',
    )
  return {
    ...checkCommon(options),
    nodes: nodes.map(checkNode),
    service,
    issuer: issuer === undefined ? undefined : checkText('issuer', issuer),
    acceptFormer: checkFlag('acceptFormer', acceptFormer),
  }
}

function checkRedisOptions(options: RedisVerifierOptions): CheckedRedisOptions {
  const { revocations, keys, issuer } = options
  if (!(revocations instanceof RedisRevocations))
    throw new TypeError('createVerifier: "revocations" must be what redis(client) returns.')
  return {
    ...checkCommon(options),
    revocations,
    keys: checkKeys(keys),
    issuer: checkText('issuer', issuer),
  }
}

function checkCommon({
  audience,
  acceptBound = false,
  log,
}: VerifierOptions | RedisVerifierOptions): CheckedOptions {
  return {
    audience: checkText('audience', audience),
    acceptBound: checkFlag('acceptBound', acceptBound),
    log: log === undefined ? openLog('info') : withSafeErrors(checkLog(log)),
  }
}

function checkText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`createVerifier: "${name}" must be a text, such as "annul".`)
  return value
}

function checkFlag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`createVerifier: "${name}" must be true or false.`)
  return value
}

/** The text is not shown: it may hold a password. */
function checkKeys(keys: unknown): URL {
  const text = keys instanceof URL ? keys.href : keys
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && !url.username && !url.password && !url.hash
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '')
  if (!isPlain || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)))
    throw new TypeError(
      'createVerifier: "keys" must be the https: URL of the keys, without a user, such as "https://auth.example.com/.well-known/jwks.json". http: is allowed on this machine alone: whoever can change the keys can sign tokens.',
    )
  return url
}

function checkNode(node: unknown): URL {
  const url = typeof node === 'string' && URL.canParse(node) ? new URL(node) : undefined
  const isPlain = url && !url.username && !url.password && !url.search && !url.hash
  // The text is not shown: it may hold a password.
  if (!isPlain || !['http:', 'https:'].includes(url.protocol))
    throw new TypeError(
      'createVerifier: each of "nodes" must be a URL of http or https without a user, a query and a fragment.',
    )
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url
}

/** The address of something at a node. */
export function at(node: URL, path: string): string {
  return node.href.replace(/\/$/, '') + path
}
