import { beforeAll, describe, expect, it } from '@jest/globals'
import { metric } from '../proof/prove/faults.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const server = useServer()
beforeAll(async () => {
  await until(() => server.auth.parts.revocation.isFresh())
})

const read = (name: string) => metric(server, name)

/** What a counter gained; one that is not there yet counts as 0. */
async function gain(name: string, cause: () => Promise<unknown>): Promise<number> {
  const before = (await read(name)) || 0
  await cause()
  return ((await read(name)) || 0) - before
}

const decisions = (path: string, outcome: string) =>
  `annul_decisions_total{path="${path}",outcome="${outcome}"}`

describe('/metrics', () => {
  it('counts decisions by path and outcome', async () => {
    const { accessToken } = await server.signUp()
    const ask = (token: string) => () => server.send('{ me { id } }', { token })
    await until(() => server.auth.parts.revocation.isFresh())
    expect(await gain(decisions('view', 'accepted'), ask(accessToken))).toBe(1)
    expect(await gain(decisions('token', 'TOKEN_INVALID'), ask('nonsense'))).toBe(1)
    await server.send('mutation { logout }', { token: accessToken })
    await until(() => server.auth.parts.revocation.isFresh())
    expect(await gain(decisions('view', 'LOGGED_OUT'), ask(accessToken))).toBe(1)
  })

  it('counts what the view holds, and how old it is', async () => {
    const ada = await server.signUp()
    const eve = await server.signUp()
    const logout = () => server.send('mutation { logout }', { token: ada.accessToken })
    const revokeAll = () => server.send('mutation { revokeSessions }', { token: eve.accessToken })
    expect(await gain('annul_view_entries{kind="sessions"}', logout)).toBe(1)
    expect(await gain('annul_view_entries{kind="users"}', revokeAll)).toBe(1)
    expect(await read('annul_view_age_seconds')).toBeGreaterThanOrEqual(0)
  })

  it('tells how long revocations waited, also one that found nothing to do', async () => {
    const ada = await server.signUp()
    const logout = () =>
      server.send('mutation ($token: String) { logout(refreshToken: $token) }', {
        variables: { token: ada.refreshToken },
      })
    expect(await gain('annul_revocation_wait_seconds_count', logout)).toBe(1)
    expect(await gain('annul_revocation_wait_seconds_bucket{le="+Inf"}', logout)).toBe(1)
    expect(await read('annul_revocation_wait_seconds_sum')).toBeGreaterThanOrEqual(0)
  })

  it('counts refreshes and logins by outcome, and passwords that wait to be hashed', async () => {
    const ada = await server.signUp()
    const refresh = () => server.refresh(ada.refreshToken)
    expect(await gain('annul_refreshes_total{outcome="ROTATED"}', refresh)).toBe(1)
    expect(await gain('annul_refreshes_total{outcome="REFRESH_REUSED"}', refresh)).toBe(1)
    expect(await gain('annul_logins_total{outcome="accepted"}', () => server.login(ada))).toBe(1)
    const wrong = () => server.login({ ...ada, password: 'not the password at all' }).catch(() => {})
    expect(await gain('annul_logins_total{outcome="refused"}', wrong)).toBe(1)
    expect(await read('annul_password_hashes_waiting')).toBe(0)
  })

  it("shows Node's own figures", async () => {
    expect(await read('process_resident_memory_bytes')).toBeGreaterThan(0)
    expect(await read('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
    expect(await read('nodejs_heap_size_used_bytes')).toBeGreaterThan(0)
  })
})
