import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Device } from '../support/devices.ts'
import { useRaceServer } from '../support/raceServer.ts'
import { password, sessionRevokingVerbs, userRevokingVerbs } from '../support/revokingVerbs.ts'
import { until } from '../support/until.ts'
import { useVerifier, verdictOf } from '../support/verifier.ts'

/* When a revoking mutation has returned, a verifier refuses: from memory, and by asking, with one and the same reason. */

const server = useRaceServer()
const nodes = () => [{ url: server.url, auth: { parts: server.parts } }]
const byMemory = useVerifier(nodes)
// Without the right to the feed it has no picture, and asks about each token.
const byAsking = useVerifier(nodes, { rights: ['introspect'] })

let admin: Device
let passwordHash: string
beforeAll(async () => {
  admin = await server.admin()
  passwordHash = await server.parts.passwords.hash(password)
})

describe.each([...sessionRevokingVerbs, ...userRevokingVerbs])('after $name', ({ name, reason, revoke }) => {
  it('a verifier refuses with the reason, from memory and by asking', async () => {
    const generation = name === 'the discovery of a theft' ? 3 : 1
    const [user] = await server.makeUsers(1, { passwordHash, generation })
    if (user === undefined) throw new Error('No user was made.')
    const { accessToken } = user.devices[0]
    await until(() => byMemory.isFresh())
    const before = byMemory.decide(accessToken)
    expect(before).not.toBeInstanceOf(Promise)
    expect(verdictOf(await before)).toBe('accepted')
    expect(verdictOf(await byAsking.decide(accessToken))).toBe('accepted')

    expect((await revoke(server, user, admin)).outcome).toBe('works')
    // In this very turn of the event loop: nothing arrives any more.
    const after = byMemory.decide(accessToken)
    expect(verdictOf(await after)).toBe(reason)
    expect(verdictOf(await byAsking.decide(accessToken))).toBe(reason)
  })
})
