import { expect, it } from '@jest/globals'
import { makeServiceSecret } from '../../src/tokens/serviceSecret.ts'
import { limited, newAddress, refusedBy } from '../limits/support.ts'
import { askForFeed } from '../support/feed.ts'
import { useServer } from '../support/server.ts'
import { makeService } from '../support/verifier.ts'

const server = useServer({ env: limited })
const ask = (from: string, authorization?: string) =>
  askForFeed(server.url, { 'x-forwarded-for': from, ...(authorization !== undefined && { authorization }) })

it('Wrong secrets of one address are refused after 30, with those at /oauth/introspect, and a right one never', async () => {
  const right = await makeService(server.auth.parts, ['feed'])
  const from = newAddress()
  for (let tries = 0; tries < 15; tries++) {
    const { status } = await fetch(`${server.url}/oauth/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${makeServiceSecret()}`, 'x-forwarded-for': from },
      body: new URLSearchParams({ token: 'x' }),
    })
    expect(status).toBe(401)
  }
  const statuses: number[] = []
  for (let tries = 0; tries < 18; tries++)
    statuses.push((await ask(from, `Bearer ${makeServiceSecret()}`)).status)
  expect(statuses.slice(0, 15)).toEqual(Array(15).fill(401))
  // Time may have given one back meanwhile.
  expect(statuses.slice(15)).toContain(429)
  expect(await refusedBy(server, 'service-secret')).toBeGreaterThan(0)
  expect((await ask(from, `Bearer ${right}`)).status).toBe(101)
  expect((await ask(newAddress(), `Bearer ${makeServiceSecret()}`)).status).toBe(401)
})

it('A request without a secret is no guess', async () => {
  const from = newAddress()
  for (let tries = 0; tries < 35; tries++) expect((await ask(from)).status).toBe(401)
})
