import { expect, it } from '@jest/globals'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { openStitched, sockets, useOrders } from './support.ts'

/* Subscriptions through a stitched gateway: server-sent events to the client, a WebSocket to Annul's own server. */

const server = useServer()
const orders = useOrders()
const gateway = useFixture(() => openStitched({ kind: 'yoga', annul: `${server.url}/graphql`, orders }))

/** The events of a subscription, as they come. */
async function subscribe(token: string, signal?: AbortSignal) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    ...(signal && { signal }),
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query: 'subscription { sessionEvents { kind session { id } } }' }),
  })
  const heard = { text: '', ended: false, status: response.status }
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) heard.text += decoder.decode(chunk)
    heard.ended = true
  })().catch(() => {})
  return heard
}

it('events of sessions reach the client, and end with their reason when the token dies', async () => {
  const account = await gateway.signUp()
  const heard = await subscribe(account.accessToken)
  const login = () => gateway.login(account)
  await until(async () => (await login()) && heard.text.includes('OPENED'))
  await server.send('mutation { logout }', { token: account.accessToken })
  await until(() => heard.ended)
  expect(heard.text).toContain('"reason":"LOGGED_OUT"')
})

it('a subscription without a live token ends at once with the reason', async () => {
  const { accessToken } = await gateway.signUp()
  await gateway.send('mutation { logout }', { token: accessToken })
  const heard = await subscribe(accessToken)
  await until(() => heard.ended)
  expect(heard.text).toContain('"reason":"LOGGED_OUT"')
})

it('the WebSocket to Annul ends with the client', async () => {
  const { accessToken } = await gateway.signUp()
  await until(() => sockets.open === 0)
  const leaving = new AbortController()
  await subscribe(accessToken, leaving.signal)
  await until(() => sockets.open === 1)
  leaving.abort()
  await until(() => sockets.open === 0)
})
