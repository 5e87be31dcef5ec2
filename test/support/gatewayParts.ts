import { expect } from '@jest/globals'
import { type Answer, postOperation } from './client.ts'
import { gateways, type Life } from './gatewayLife.ts'
import { until } from './until.ts'

/** Who a client is, its token tells, through the gateway and at the service itself. What it invents changes nothing. */
export async function expectInventedHeaders({ gateway, account }: Life): Promise<void> {
  const stranger = await gateway.signUp()
  const headers = {
    'x-user-id': account.userId,
    'x-annul-user': account.userId,
    'x-annul-viewer': JSON.stringify({ userId: account.userId, roles: ['admin'] }),
    'x-roles': 'admin',
    forwarded: 'for=203.0.113.9',
  }
  const order = 'mutation { order(item: "gloves") { user { id } } }'
  for (const client of [gateway, gateway.orders]) {
    expect((await client.send(order, { headers })).reason).toBe('TOKEN_MISSING')
    const own = await client.send(order, { headers, token: stranger.accessToken })
    expect(own.data).toEqual({ order: { user: { id: stranger.userId } } })
  }
  const who = await gateway.send('{ me { id roles } }', { headers, token: stranger.accessToken })
  expect(who.data).toEqual({ me: { id: stranger.userId, roles: [] } })
}

/** The time that a revocation waited for all nodes. */
export async function expectExtensions({ gateway }: Life): Promise<void> {
  const { accessToken: token } = await gateway.signUp()
  const answer = await postOperation(gateway.url, 'mutation { revokeSessions }', { token })
  expect(await answer.json()).toEqual({
    data: { revokeSessions: true },
    extensions: { annul: { revokedOnAllNodesMs: expect.any(Number) } },
  })
}

/** Events reach the client, and the last one says why there are no more. */
export async function expectSubscriptions({ gateway }: Life): Promise<void> {
  const account = await gateway.signUp()
  const response = await postOperation(
    gateway.url,
    'subscription { sessionEvents { kind session { id } } }',
    {
      token: account.accessToken,
      headers: { accept: 'text/event-stream' },
    },
  )
  if (!gateways[gateway.kind].subscriptions) {
    expect([response.status >= 400, (await response.text()).includes('sessionEvents"')]).toEqual([
      true,
      false,
    ])
    return
  }
  const heard = { text: '', ended: false }
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) heard.text += decoder.decode(chunk)
    heard.ended = true
  })().catch(() => {})
  await until(async () => (await gateway.login(account)) && heard.text.includes('OPENED'))
  await gateway.send('mutation { logout }', { token: account.accessToken })
  await until(() => heard.ended)
  expect(heard.text).toContain('"reason":"LOGGED_OUT"')
}

/** A client that asks too often is told when it may ask again. */
export async function expectLimits({ gateway }: Life): Promise<void> {
  let refused: Answer | undefined
  for (let times = 0; times < 60 && refused?.status !== 429; times++)
    refused = await gateway.send('mutation { verifyEmail(token: "x") }')
  expect([refused?.status, refused?.code]).toEqual([429, 'TOO_MANY_REQUESTS'])
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
}
