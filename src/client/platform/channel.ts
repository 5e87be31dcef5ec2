import type { Incoming } from '../tokens/localState.ts'
import type { SignedOutReason } from '../types.ts'
import { platform } from './platform.ts'

/** What one tab tells the others of its origin: that it has new tokens, or that a session has ended. */
export type Message =
  | { readonly tokens: Incoming }
  | {
      readonly tokens?: never
      readonly tokenName: string | undefined
      readonly sessionId: string | undefined
      readonly reason: SignedOutReason
    }

export interface Channel {
  tell(message: Message): void
  close(): void
}

/**
 * Tells other tabs over BroadcastChannel, where it exists. A message alone is no proof: its receiver compares it with the
 * storage or the cookie that both tabs share.
 *
 * @param name the same in all tabs that share a session; undefined where the session is never shared
 * @param receive called for one message at a time, in the order of arrival
 */
export function openChannel(name: string | undefined, receive: (message: Message) => Promise<void>): Channel {
  const channel = name && platform.BroadcastChannel ? new platform.BroadcastChannel(name) : undefined
  channel?.unref?.()
  let turn = Promise.resolve()
  if (channel)
    channel.onmessage = ({ data }) => {
      turn = turn.then(() => receive(data as Message)).catch(() => {})
    }
  return { tell: message => channel?.postMessage(message), close: () => channel?.close() }
}
