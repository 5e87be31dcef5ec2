import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { revokeKey } from '../../src/admin/revokeKey.ts'
import { RevocationView } from '../../src/revocation/view.ts'
import { openDecider } from '../../src/verify/decider.ts'
import { FeedKeys } from '../../src/verify/feedKeys.ts'
import { createVerifier } from '../../src/verify/index.ts'
import { Introspection } from '../../src/verify/introspection.ts'
import { type CheckedFeedOptions, checkOptions } from '../../src/verify/options.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { makeService, silent, verdictOf } from '../support/verifier.ts'

/* A verifier whose picture may not be used: before its first contact, and when its clocks have jumped. */

const server = useServer({ env: { ANNUL_LEASE_MS: '2000' } })

async function optionsOf() {
  const service = await makeService(server.auth.parts)
  return { nodes: [server.url], service, audience: 'annul', log: silent }
}

async function checkedOptions(): Promise<CheckedFeedOptions> {
  const checked = checkOptions(await optionsOf())
  if (!('nodes' in checked)) throw new Error('These are options of a verifier by the feed.')
  return checked
}

it('A token that was accepted before the first contact ends with its key, for what lives longer than a request', async () => {
  const { accessToken } = await server.signUp()
  const verifier = createVerifier(await optionsOf())
  try {
    expect(verifier.isFresh()).toBe(false)
    const viewer = await verifier.decide(accessToken)
    if (viewer instanceof Error) throw viewer
    await verifier.ready
    await until(() => verifier.isFresh())
    const told: string[] = []
    verifier.watch(viewer, why => void told.push(why))
    await revokeKey(server.auth.parts, undefined)
    expect(told).toEqual(['KEY_REVOKED'])
  } finally {
    await verifier.close()
  }
})

describe('A clock that was set forward by a day', () => {
  const open = async (isUp = true) => {
    const checked = await checkedOptions()
    const introspection = new Introspection(checked)
    let isFresh = true
    let aheadMs = 0
    const decider = openDecider(
      {
        keys: server.auth.parts.keys,
        onNextKeys: () => {},
        issuer: () => 'annul',
        isFresh: () => isFresh,
        verdict: () => undefined,
        databaseTime: () => Date.now() + aheadMs,
      },
      {
        ...checked,
        ask: token => (isUp ? introspection.ask(token) : Promise.reject(new Error('No node answers.'))),
      },
    )
    return {
      decide: async (token: string) => verdictOf(await decider.decide(token)),
      jump() {
        aheadMs = 86_400_000
        isFresh = false
      },
    }
  }

  it('signs nobody out until a node has told the time anew: the node is asked', async () => {
    const { accessToken } = await server.signUp()
    const { decide, jump } = await open()
    expect(await decide(accessToken)).toBe('accepted')
    jump()
    expect(await decide(accessToken)).toBe('accepted')
    await server.send('mutation { logout }', { token: accessToken })
    expect(await decide(accessToken)).toBe('LOGGED_OUT')
  })

  it('is no reason either where no node answers', async () => {
    const { accessToken } = await server.signUp()
    const { decide, jump } = await open(false)
    jump()
    expect(await decide(accessToken)).toBe('UNAVAILABLE')
  })
})

it('A token of a key that comes later is accepted, while somebody invents key ids all the time', async () => {
  const { accessToken } = await server.signUp()
  const [header, ...rest] = accessToken.split('.')
  const invented = { ...JSON.parse(Buffer.from(String(header), 'base64url').toString()), kid: randomUUID() }
  const forged = [Buffer.from(JSON.stringify(invented)).toString('base64url'), ...rest].join('.')
  const view = new RevocationView()
  const keys = new FeedKeys(view)
  const decider = openDecider(
    {
      keys,
      onNextKeys: call => keys.onNext(call),
      issuer: () => 'annul',
      isFresh: () => true,
      verdict: claims => view.verdict(claims),
      databaseTime: () => Date.now(),
    },
    { ...(await checkedOptions()), ask: async () => 'TOKEN_INVALID' },
  )
  expect(verdictOf(await decider.decide(forged))).toBe('TOKEN_INVALID')
  // Before the next one may be asked about. The keys come after that.
  await delay(600)
  const decision = decider.decide(accessToken)
  setTimeout(() => keys.take(server.auth.parts.keys.jwks().keys), 500)
  expect(verdictOf(await decision)).toBe('accepted')
})
