import type { Device, DeviceTokens } from '../tokens/deviceToken.ts'
import type { VisitorDevice } from '../viewer.ts'
import type { CookieJar } from './cookies.ts'
import { header, type RequestLike, type ResponseLike } from './message.ts'

/** Carries the device token of a client that has no cookies, in requests and in answers. */
const deviceHeader = 'annul-device'

/**
 * The device that sends a request: of the header, or else of the cookie. Read on first use, because most requests never
 * need it. A browser's device is answered as a cookie, which no script can read. The device of any other client is
 * answered in the header, and so is the device of a script that sends the header (empty: it has none yet), because the
 * script may belong to another origin, for which the browser keeps no cookie.
 */
export class RequestDevice implements VisitorDevice {
  readonly #tokens: DeviceTokens
  readonly #request: RequestLike
  readonly #response: ResponseLike
  readonly #cookies: CookieJar
  #device: Device | undefined

  constructor(tokens: DeviceTokens, request: RequestLike, response: ResponseLike, cookies: CookieJar) {
    this.#tokens = tokens
    this.#request = request
    this.#response = response
    this.#cookies = cookies
  }

  get id(): string {
    const present = this.#present()
    if (present !== undefined) return present.id
    const created = this.#tokens.create()
    this.#keep(created)
    return created.id
  }

  get knownId(): string | undefined {
    return this.#present()?.id
  }

  knows(account: string): boolean {
    const device = this.#present()
    return device !== undefined && this.#tokens.knows(device, account)
  }

  remember(account: string): void {
    const device = this.#present() ?? this.#tokens.create()
    if (!this.#tokens.knowsLastingly(device, account)) this.#keep(this.#tokens.remember(device, account))
  }

  #present(): Device | undefined {
    if (this.#device !== undefined) return this.#device
    // A foreign page can't read the answer, and must not use up what the device may try.
    const token = this.#sent() ?? (this.#cookies.isForeign() ? undefined : this.#cookies.device)
    this.#device = token === undefined ? undefined : this.#tokens.read(token)
    return this.#device
  }

  /** An answer that carries the header twice reaches the client as one list, whose last token is the newest. */
  #sent(): string | undefined {
    return header(this.#request, deviceHeader)?.split(',').at(-1)?.trim()
  }

  #keep(device: Device): void {
    this.#device = device
    const token = this.#tokens.write(device)
    if (this.#cookies.isForeign()) return
    if (this.#cookies.isAllowed() && this.#sent() === undefined) this.#cookies.setDevice(token)
    else this.#response.appendHeader(deviceHeader, token)
  }
}
