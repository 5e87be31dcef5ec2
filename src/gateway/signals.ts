/** Signals of servers that make their own (whatwg-node), which `fetch` does not take. One for each, for as long as it lives. */
const bridged = new WeakMap<object, AbortSignal>()

/** A signal that `fetch` takes. Undefined for what is none. */
export function asAbortSignal(signal: unknown): AbortSignal | undefined {
  if (signal instanceof AbortSignal) return signal
  if (!isSignal(signal)) return undefined
  const foreign = signal
  const known = bridged.get(foreign)
  if (known) return known
  const controller = new AbortController()
  bridged.set(foreign, controller.signal)
  if (foreign.aborted) controller.abort(foreign.reason)
  else foreign.addEventListener('abort', () => controller.abort(foreign.reason), { once: true })
  return controller.signal
}

function isSignal(value: unknown): value is Pick<AbortSignal, 'aborted' | 'reason' | 'addEventListener'> {
  return typeof Object(value).aborted === 'boolean' && typeof Object(value).addEventListener === 'function'
}

/** Aborted with the first of the two. */
export function eitherOf(
  one: AbortSignal | undefined,
  other: AbortSignal | undefined,
): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other)
}

interface Closable {
  readonly writableFinished?: boolean
  once(event: 'close', listener: () => void): unknown
}

/** Aborted when the connection ends before the answer has been sent. Undefined for what is not Node's response. */
export function whenGone(response: unknown): AbortSignal | undefined {
  const { raw = response } = Object(response)
  if (!isClosable(raw)) return undefined
  const controller = new AbortController()
  raw.once('close', () => {
    if (raw.writableFinished !== true) controller.abort(new Error('The client has gone.'))
  })
  return controller.signal
}

function isClosable(value: unknown): value is Closable {
  return typeof Object(value).once === 'function' && typeof Object(value).writableFinished === 'boolean'
}
