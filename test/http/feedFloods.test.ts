import websocket from '@fastify/websocket'
import { afterEach, describe, expect, it } from '@jest/globals'
import { type FastifyInstance, fastify } from 'fastify'
import { handleProtocols } from '../../src/http/feed.ts'
import { admitFeeds, type FeedBounds } from '../../src/http/feedAdmission.ts'
import { openRawFeed, type RawFeed } from '../support/feed.ts'
import { useServer } from '../support/server.ts'
import { makeService } from '../support/verifier.ts'

/* What a service, or whoever has stolen its secret, gets of the feed's sockets. */

const server = useServer({ env: { ANNUL_LEASE_MS: '2000' } })

let app: FastifyInstance | undefined
const opened: RawFeed[] = []
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.terminate()
  await app?.close()
  app = undefined
})

/** The admission alone, with bounds that a test can reach. */
async function start(bounds: FeedBounds): Promise<string> {
  app = fastify()
  await app.register(websocket, { options: { handleProtocols } })
  app.decorateRequest('note')
  app.route({
    url: '/feed',
    method: 'GET',
    onRequest: admitFeeds(server.auth, bounds),
    handler: async () => '',
    wsHandler: () => {},
  })
  return app.listen({ host: '127.0.0.1', port: 0 })
}

/** @returns how many of so many at once are let in */
async function flood(url: string, secret: string, count: number): Promise<number> {
  const attempts = Array.from({ length: count }, async () => opened.push(await openRawFeed(url, secret)))
  const outcomes = await Promise.allSettled(attempts)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(String(outcome.reason)).toBe('Error: refused with 503')
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

describe('A flood of upgrades at once', () => {
  it('opens no more feeds than one service may have, and others get theirs', async () => {
    const url = await start({ feeds: 5, feedsOfService: 3, newFeedsOfService: 100 })
    const [stolen, other] = [await makeService(server.auth.parts), await makeService(server.auth.parts)]
    expect(await flood(url, stolen, 30)).toBe(3)
    expect(await flood(url, other, 30)).toBe(2)
  })

  it('reads the log no more often than a service may in a minute, also where it closes its feeds', async () => {
    const url = await start({ feeds: 1000, feedsOfService: 1000, newFeedsOfService: 4 })
    const [stolen, other] = [await makeService(server.auth.parts), await makeService(server.auth.parts)]
    expect(await flood(url, stolen, 3)).toBe(3)
    for (const { socket } of opened.splice(0)) socket.terminate()
    expect(await flood(url, stolen, 30)).toBe(1)
    expect(await flood(url, other, 4)).toBe(4)
  })
})

it('A frame of more than 1 KiB closes its socket', async () => {
  const secret = await makeService(server.auth.parts)
  const feed = await openRawFeed(server.url, secret)
  opened.push(feed)
  feed.send(JSON.stringify({ type: 'hello', more: 'x'.repeat(1024) }))
  expect(await feed.closed()).toBe('1008 This is no frame of the feed.')
})
