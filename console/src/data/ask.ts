import { session } from '../session.ts'
import { endpoint } from '../settings.ts'
import { Failure } from './failure.ts'
import { noteOutage } from './outage.ts'

interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[]
  readonly extensions?: { readonly annul?: { readonly revokedOnAllNodesMs?: number } }
}

/**
 * Sends an operation as the person who is signed in.
 *
 * @throws Failure with the first error of the answer, also where there is data beside it
 */
export async function ask<Data>(query: string, variables: object = {}, signal?: AbortSignal): Promise<Data> {
  return (await askWhole<Data>(query, variables, signal)).data
}

/** As `ask`, with what the answer says beside the data. */
export async function askWhole<Data>(
  query: string,
  variables: object = {},
  signal?: AbortSignal,
): Promise<{ data: Data; revokedOnAllNodesMs: number | undefined }> {
  const { data, errors, extensions } = await send<Data>(query, variables, signal)
  const [error] = errors ?? []
  if (error) {
    const failure = new Failure(error.message, { code: 'UNKNOWN', ...error.extensions })
    noteOutage(failure.isOutage)
    throw failure
  }
  noteOutage(false)
  if (data == null) throw new Failure('', { code: 'UNKNOWN' })
  return { data, revokedOnAllNodesMs: extensions?.annul?.revokedOnAllNodesMs }
}

async function send<Data>(query: string, variables: object, signal?: AbortSignal): Promise<Answer<Data>> {
  try {
    const response = await session.fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: signal ?? null,
    })
    return await response.json()
  } catch (error) {
    signal?.throwIfAborted()
    noteOutage(true)
    throw new Failure((error as Error).message)
  }
}
