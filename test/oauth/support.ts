import { randomBytes } from 'node:crypto'
import { expect } from '@jest/globals'
import { createService } from '../../src/services/createService.ts'
import type { Right } from '../../src/services/rights.ts'
import { noteSecrets } from '../support/client.ts'
import type { TestServer } from '../support/server.ts'

export interface TestService {
  readonly name: string
  readonly secret: string
  readonly secretId: string
}

/** A new service. Its secret is looked for in the logs of the run. */
export async function makeService(
  server: Pick<TestServer, 'auth'>,
  ...rights: Right[]
): Promise<TestService> {
  const name = `service-${randomBytes(6).toString('hex')}`
  const { secret, secretId } = await createService(server.auth.parts, { name, rights })
  noteSecrets(secret)
  return { name, secret, secretId }
}

export const bearer = ({ secret }: Pick<TestService, 'secret'>) => ({ authorization: `Bearer ${secret}` })
export const basic = (name: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
})

export interface OAuthAnswer {
  readonly status: number
  readonly headers: Headers
  /** undefined: an empty body. */
  readonly body: Record<string, unknown> | undefined
}

/** Sends a form, or a body as it is. */
export async function post(
  server: Pick<TestServer, 'url'>,
  path: string,
  body: Record<string, string> | [string, string][] | string,
  headers: Record<string, string> = {},
): Promise<OAuthAnswer> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof body === 'string' ? body : new URLSearchParams(body).toString(),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

export const introspect = (
  server: Pick<TestServer, 'url'>,
  service: Pick<TestService, 'secret'>,
  token: string,
) => post(server, '/oauth/introspect', { token }, bearer(service))

export const revoke = (
  server: Pick<TestServer, 'url'>,
  service: Pick<TestService, 'secret'>,
  token: string,
) => post(server, '/oauth/revoke', { token }, bearer(service))

export const revokeSubject = (
  server: Pick<TestServer, 'url'>,
  service: Pick<TestService, 'secret'>,
  body: unknown,
) =>
  post(server, '/oauth/global-token-revocation', typeof body === 'string' ? body : JSON.stringify(body), {
    ...bearer(service),
    'content-type': 'application/json',
  })

/** What a refused client gets. */
export const refused = (status: number, error: string) => ({
  status,
  body: { error, error_description: expect.any(String) },
})
