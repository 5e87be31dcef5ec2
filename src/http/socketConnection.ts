import { MessageType, stringifyMessage } from 'graphql-ws'
import type { OpenedAuth } from '../auth.ts'
import { AuthError, unauthenticated, unavailable } from '../errors.ts'
import type { GraphQLContext } from '../request/context.ts'
import type { RequestLike } from '../request/message.ts'
import type { Viewer } from '../viewer.ts'
import type { SocketTransport } from './socketTransport.ts'

const unauthorized = 4401
/** Try again later: a client reconnects, and nobody is signed out. */
const tryAgainLater = 1013

/** The token and the user of a socket. A socket lives as long as its token, which the client may replace in time. */
export class SocketConnection {
  readonly transport: SocketTransport
  /** The ids of operations that have begun and not ended. */
  running: () => string[] = () => []
  readonly #auth: OpenedAuth
  readonly #request: RequestLike
  #token: string | undefined
  #viewer: Viewer | undefined
  #unwatch = () => {}

  constructor(auth: OpenedAuth, request: RequestLike, transport: SocketTransport) {
    this.#auth = auth
    this.#request = request
    this.transport = transport
  }

  get token(): string | undefined {
    return this.#token
  }

  /** The context of one operation: each decision in it is about the token that is present then. */
  context(): GraphQLContext {
    return this.#auth.socketContext(this.#request, () => this.#token)
  }

  /** Takes a token over, from connection_init or a ping. @returns false when the socket was closed instead */
  async present(token: string): Promise<boolean> {
    const decision = await this.#auth.socketContext(this.#request, () => token || undefined).auth.decide()
    if (decision instanceof AuthError) return this.refuse(decision)
    // A socket keeps its user: otherwise a subscription would go on with the rights of another one.
    if (this.#viewer && this.#viewer.userId !== decision.userId)
      return this.refuse(unauthenticated('TOKEN_INVALID'))
    // The socket may have closed meanwhile, and a watch would keep it in memory.
    if (!this.transport.isOpen) return false
    this.#unwatch()
    this.#token = token
    this.#viewer = decision
    this.#unwatch = this.#auth.watch.watch(decision.claims, why =>
      this.refuse(why === 'UNAVAILABLE' ? unavailable() : unauthenticated(why)),
    )
    return true
  }

  /** Closes with the reason. First each running operation is told, because gateways drop the code of a close. */
  refuse(error: AuthError): false {
    const payload = [this.#auth.formatError({ message: error.message }, error)]
    for (const id of this.running())
      void this.transport.send(stringifyMessage({ id, type: MessageType.Error, payload }))
    const code = error.code === 'UNAVAILABLE' ? tryAgainLater : unauthorized
    this.transport.close(code, error.reason ?? error.code)
    this.end()
    return false
  }

  /** Ends the watch over the token. */
  end(): void {
    this.#unwatch()
  }
}

/** `{ accessToken }`, or an Authorization header's value as other clients send it. */
export function tokenOf(payload: Record<string, unknown> | undefined): string | undefined {
  const value = payload?.accessToken ?? payload?.Authorization ?? payload?.authorization
  return typeof value === 'string' ? value.replace(/^Bearer +/i, '') : undefined
}

/** The payload of connection_init, for an app: a token in it is nobody's but Annul's. */
export function withoutToken(payload: Record<string, unknown> = {}): Record<string, unknown> {
  const { accessToken: _, Authorization: __, authorization: ___, ...rest } = payload
  return rest
}
