import { checkLog, type Log, openLog, withSafeErrors } from '../log.ts'
import { refuseUnknownOptions } from '../names.ts'

/** Options of createVerifier. */
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
}

/** Options that were checked. */
export interface CheckedOptions {
  /** Without a slash at the end. */
  readonly nodes: readonly URL[]
  readonly service: string
  readonly audience: string
  readonly issuer: string | undefined
  readonly acceptBound: boolean
  readonly acceptFormer: boolean
  readonly log: Log
}

const names = ['nodes', 'service', 'audience', 'issuer', 'acceptBound', 'acceptFormer', 'log'] as const
const mostNodes = 16

/** @throws TypeError */
export function checkOptions(options: VerifierOptions): CheckedOptions {
  refuseUnknownOptions('createVerifier', Object(options), names)
  const { nodes, service, audience, issuer, acceptBound = false, acceptFormer = false, log } = options
  if (!Array.isArray(nodes) || nodes.length === 0 || nodes.length > mostNodes)
    throw new TypeError(`createVerifier: "nodes" must be a list of 1 to ${mostNodes} URLs.`)
  // Not shown: it is a secret, even where it is a wrong one.
  if (typeof service !== 'string' || !/^[\x21-\x7e]+$/.test(service))
    throw new TypeError(
      'createVerifier: "service" must be the secret of a service, as "annul create-service" prints it.',
    )
  if (typeof audience !== 'string' || audience === '')
    throw new TypeError('createVerifier: "audience" must be a text, such as "annul".')
  if (issuer !== undefined && (typeof issuer !== 'string' || issuer === ''))
    throw new TypeError('createVerifier: "issuer" must be a text.')
  for (const [name, value] of Object.entries({ acceptBound, acceptFormer }))
    if (typeof value !== 'boolean') throw new TypeError(`createVerifier: "${name}" must be true or false.`)
  return {
    nodes: nodes.map(checkNode),
    service,
    audience,
    issuer,
    acceptBound,
    acceptFormer,
    log: log === undefined ? openLog('info') : withSafeErrors(checkLog(log)),
  }
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
