import { createYoga, type YogaServerOptions } from 'graphql-yoga'
import type { Auth } from '../../src/auth.ts'
import { annulYoga } from '../../src/servers/yoga.ts'
import type { ResponseError } from '../support/client.ts'
import { listenWith } from './contract/listenWith.ts'
import { type ContractServer, serving, useContractServer } from './contract/server.ts'

// biome-ignore lint/complexity/noBannedTypes: Yoga's own default.
type Options = YogaServerOptions<{}, {}>

export interface YogaAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly data: unknown
  readonly errors: readonly ResponseError[] | undefined
}

export interface YogaApp {
  /** The contract's app on Yoga, on node:http. */
  readonly server: ContractServer
  /** What Yoga's own logger was told, by all instances. */
  readonly yogaLog: unknown[]
  readonly auth: Auth
  /** A further Yoga with other options, on the same schema and auth. */
  make(options?: Options): { fetch(request: Request, context?: object): Response | Promise<Response> }
  /** Sends an operation, or the operations of a batch, to a handler. */
  ask(
    yoga: Pick<ReturnType<YogaApp['make']>, 'fetch'>,
    body: unknown,
    options?: { token?: string; headers?: Record<string, string>; context?: object },
  ): Promise<YogaAnswer>
}

/** For all tests of the calling file. */
export function useYogaApp(): YogaApp {
  const yogaLog: unknown[] = []
  const note = (...parts: unknown[]) => yogaLog.push(...parts)
  const logging = { debug() {}, info() {}, warn: note, error: note }
  let made: ((options?: Options) => ReturnType<YogaApp['make']>) | undefined
  let opened: Auth | undefined
  const server = useContractServer(
    serving(async (auth, schema) => {
      opened = auth
      const make = (options: Options = {}) =>
        createYoga({ schema, logging, plugins: [annulYoga(auth)], ...options })
      made = make
      return listenWith(make())
    }),
  )
  return {
    server,
    yogaLog,
    get auth() {
      if (!opened) throw new Error('The server is not open.')
      return opened
    },
    make(options) {
      if (!made) throw new Error('The server is not open.')
      return made(options)
    },
    async ask(yoga, body, { token, headers, context = {} } = {}) {
      const request = new Request('http://shop.example/graphql', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: JSON.stringify(typeof body === 'string' ? { query: body } : body),
      })
      const response = await yoga.fetch(request, context)
      const text = await response.text()
      const { data, errors } = JSON.parse(text)
      return { status: response.status, headers: response.headers as Headers, text, data, errors }
    },
  }
}
