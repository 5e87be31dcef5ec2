import WebSocket, { type ClientOptions } from 'ws'
import { until } from './until.ts'

/** A message of graphql-ws, as a client reads it. */
export interface SocketMessage {
  readonly type: string
  readonly id?: string
  readonly payload?: unknown
}

/** A socket that speaks graphql-ws word by word. */
export interface RawSocket {
  readonly socket: WebSocket
  /** What was received, in order. */
  readonly messages: SocketMessage[]
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  send(message: SocketMessage): void
  subscribe(id: string, query: string): void
  /** The first message that fits. */
  heard(fits: (message: SocketMessage) => boolean): Promise<SocketMessage>
  /** Everything that the server sent before this call has arrived. */
  flushed(): Promise<void>
}

/** Opens a socket, without connection_init. */
export async function openRaw(url: string, options: ClientOptions = {}): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options)
  const messages: SocketMessage[] = []
  socket.on('message', data => messages.push(JSON.parse(String(data))))
  const closed = new Promise<{ code: number; reason: string }>(resolve =>
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  const send = (message: SocketMessage) => socket.send(JSON.stringify(message))
  return {
    socket,
    messages,
    closed,
    send,
    subscribe: (id, query) => send({ id, type: 'subscribe', payload: { query } }),
    async heard(fits) {
      await until(() => messages.some(fits))
      return messages.find(fits) ?? { type: '' }
    },
    async flushed() {
      if (socket.readyState === socket.CLOSED) return
      await new Promise<void>(resolve => {
        socket.once('pong', () => resolve())
        socket.once('close', () => resolve())
        if (socket.readyState === socket.OPEN) socket.ping()
      })
    },
  }
}

/** Opens a socket and waits until it is acknowledged. */
export async function openSocket(
  url: string,
  payload: Record<string, unknown> = {},
  options: ClientOptions = {},
): Promise<RawSocket> {
  const raw = await openRaw(url, options)
  raw.send({ type: 'connection_init', payload })
  await Promise.race([raw.heard(({ type }) => type === 'connection_ack'), raw.closed])
  return raw
}

/** The status and the body that an upgrade is refused with; 101: it was not. */
export function upgradeOf(
  url: string,
  options: ClientOptions = {},
): Promise<{ status: number; body: unknown; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options)
    socket.once('open', () => {
      socket.terminate()
      resolve({ status: 101, body: undefined, headers: {} })
    })
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text), headers: response.headers }),
      )
    })
  })
}
