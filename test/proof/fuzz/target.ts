import { Agent, type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import type { NodeProcess } from '../../support/command.ts'

/** Long enough for any machine: who waits for longer waits for ever. */
export const patienceMs = 30_000

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

const agent = new Agent({ keepAlive: true })

/** Closes the connections that are kept open. */
export function endExchanges(): void {
  agent.destroy()
}

/** One request over HTTP. @throws Error where nothing comes in time, and where the connection breaks */
export function exchange(
  url: string,
  {
    method = 'POST',
    headers = {},
    body = '',
  }: { method?: string; headers?: OutgoingHttpHeaders; body?: string | Buffer },
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent, timeout: patienceMs }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.on('timeout', () => sent.destroy(new Error(`No answer within ${patienceMs} ms.`)))
    // The server may refuse a body unread, and close the connection under the rest of it.
    sent.on('error', error => {
      if (['EPIPE', 'ECONNRESET'].includes(String(Reflect.get(error, 'code'))) && body.length > 60_000)
        resolve({ status: 413, headers: {}, text: '' })
      else reject(error)
    })
    sent.end(body)
  })
}

/** Sends bytes on a connection of their own. @returns what came until the server closed it */
export function exchangeBytes(url: string, bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.end(bytes))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`Neither answered nor closed within ${patienceMs} ms.`))
    }, patienceMs)
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks).toString('latin1'))
    })
  })
}

/** Words that no client should read. The fuzz itself sends none of them. */
const internals =
  /node_modules|\bat [^\n]*:\d+:\d+|\bfile:\/\/|\.[cm]?[jt]s:\d+|drizzle|pglite|postgres|ECONNREFUSED|TypeError|RangeError|ReferenceError|SyntaxError: |Cannot read propert|is not a function|is not iterable|select .+ from |insert into |annul\.(users|sessions|one_time)|INTERNAL_SERVER_ERROR|Something went wrong/i

/** @throws Error for an answer that tells of a failure within, or shows the insides */
export function checkAnswer({ status, headers, text }: HttpAnswer): void {
  const isOutage = status === 503 && Number(headers['retry-after']) > 0
  if (status >= 500 && !isOutage) throw new Error(`Status ${status}: ${text.slice(0, 500)}`)
  checkText(text)
}

export function checkText(text: string): void {
  const found = internals.exec(text)
  if (found) throw new Error(`An answer holds ${JSON.stringify(found[0])}: ${text.slice(0, 500)}`)
}

/** Lines of the log that tell of a failure within. */
export function failuresOf({ output }: Pick<NodeProcess, 'output'>): string[] {
  return `${output.stderr}\n${output.stdout}`
    .split('\n')
    .filter(line => /"level":(50|60)/.test(line) || /Unhandled|uncaught/i.test(line))
}
