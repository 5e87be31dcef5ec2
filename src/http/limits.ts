import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { seldom } from '../log.ts'
import { feedBounds } from './feedAdmission.ts'

/** What bounds the connections of a listener. An attacker holds each of them at the cost of a socket. */
export interface Limits {
  /** How long the headers may take to arrive, in milliseconds. */
  readonly headersMs: number
  /** How long the whole request may take to arrive, in milliseconds. The time for its answer is not bounded here. */
  readonly requestMs: number
  /** How often Node looks for requests that are late, in milliseconds. By default it looks every 30 s. */
  readonly checkMs: number
  /** Connections at a time. Further ones are closed unread. */
  readonly connections: number
}

/** Connections beside WebSockets, so that there is room for requests when all WebSockets and all feeds are in use. */
const requestConnections = 2000

/** @param config.sockets the most WebSockets of clients */
export function limitsFor({ sockets }: Pick<Config, 'sockets'>): Limits {
  return {
    headersMs: 10_000,
    requestMs: 15_000,
    checkMs: 1000,
    connections: sockets + feedBounds.feeds + requestConnections,
  }
}

/** The log tells of a full listener at most once in this time, in milliseconds. */
const toldEveryMs = 60_000

/** The limits as options of Fastify. Once upgraded, a WebSocket is no request to Node: no limit here ends it. */
export function listenerOptions({ headersMs, requestMs, checkMs }: Limits) {
  return {
    requestTimeout: requestMs,
    http: {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
    },
    clientErrorHandler: answerUnreadable,
  }
}

/** Bounds the connections, and tells the operator when they are used up. */
export function boundConnections(app: FastifyInstance, { connections }: Limits): void {
  app.server.maxConnections = connections
  const tell = seldom(toldEveryMs, () =>
    app.log.warn({ connections }, 'All connections are in use: new ones are closed.'),
  )
  app.server.on('drop', () => tell())
}

/** Answers a client whose bytes never became a request: they came too slowly, or are no HTTP. */
function answerUnreadable(this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { status, code, message } = unreadable[error.code ?? ''] ?? malformed
  this.log.info({ code, status: Number.parseInt(status, 10) }, 'request')
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] })
  const head = [
    `HTTP/1.1 ${status}`,
    'connection: close',
    'cache-control: no-store',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  // At once, not when the other side closes: a request that arrives after the answer must not be carried out.
  socket.destroy()
}

interface Refusal {
  readonly status: string
  readonly code: string
  readonly message: string
}

const malformed: Refusal = {
  status: '400 Bad Request',
  code: 'BAD_REQUEST',
  message: 'The request is not valid HTTP.',
}
const unreadable: Record<string, Refusal> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    code: 'REQUEST_TIMEOUT',
    message: 'The request took too long to arrive.',
  },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    code: 'BAD_REQUEST',
    message: 'The headers are too large.',
  },
}
