import { request } from 'node:http'
import { WebSocket } from 'ws'
import { feedProtocol } from '../../src/revocation/feedFrames.ts'

/** A frame as it came. */
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string }

/** A socket to the feed whose frames a test writes itself. */
export interface RawFeed {
  readonly socket: WebSocket
  readonly frames: readonly Frame[]
  send(frame: object | string): void
  /** @returns the code and the text of the close, when the socket has closed */
  closed(): Promise<string>
}

/** @throws Error `refused with <status>` */
export async function openRawFeed(url: string, secret: string, path = '/feed'): Promise<RawFeed> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, [feedProtocol], {
    headers: { authorization: `Bearer ${secret}` },
  })
  const frames: Frame[] = []
  socket.on('message', data => frames.push(JSON.parse(String(data))))
  const closed = new Promise<string>(resolve => {
    socket.once('close', (code, reason) => resolve(`${code} ${reason}`))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (sent, { statusCode }) => {
      sent.destroy()
      reject(new Error(`refused with ${statusCode}`))
    })
  })
  return {
    socket,
    frames,
    send: frame => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    closed: () => closed,
  }
}

/** Asks for the upgrade by hand. @returns the status, the challenge and the body of the refusal, or 101 */
export async function askForFeed(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; challenge: string | undefined; code: string | undefined }> {
  const sent = request(`${url}/feed`, {
    agent: false,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16, 1).toString('base64'),
      'sec-websocket-protocol': feedProtocol,
      ...headers,
    },
  })
  sent.end()
  return new Promise((resolve, reject) => {
    sent.once('error', reject)
    sent.once('upgrade', (_response, socket) => {
      socket.destroy()
      resolve({ status: 101, challenge: undefined, code: undefined })
    })
    sent.once('response', async response => {
      let text = ''
      for await (const chunk of response) text += chunk
      const code = JSON.parse(text).errors?.[0]?.extensions?.code
      resolve({ status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'], code })
    })
  })
}
