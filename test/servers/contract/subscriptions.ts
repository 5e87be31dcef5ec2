import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { openForge } from '../../support/forge.ts'
import { until } from '../../support/until.ts'
import type { ContractServer, SignedUp } from './server.ts'
import type { Subscribe, Subscription } from './subscribe.ts'

/** Subscriptions, on servers that have them. */
export function subscriptionCases(server: ContractServer, subscribe: Subscribe): void {
  describe('a subscription', () => {
    let ada: SignedUp
    beforeAll(async () => {
      ada = await server.signUp()
    })
    const opened: Subscription[] = []
    afterEach(() => {
      for (const { close } of opened.splice(0)) close()
    })
    const listen = async (query: string, token?: string) => {
      const subscription = await subscribe(server.url, query, token)
      opened.push(subscription)
      return subscription
    }
    /** Sends events until one is heard, or a refusal. */
    const emitUntil = (heard: () => boolean) =>
      until(() => {
        server.app.emit(1)
        return heard()
      })

    it('is refused without the role that its field asks for, with code and reason', async () => {
      const anonymous = await listen('subscription { ticks }')
      expect(await anonymous.refused).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' })
      const { refused } = await listen('subscription { ticks }', await server.tokenWith(ada, []))
      expect(await refused).toMatchObject({ code: 'FORBIDDEN', required: { roles: ['editor'] } })
      expect(server.app.listeners).toBe(0)
    })

    it('brings events, and is ended by a kill, with the reason and without a further event', async () => {
      const token = await server.tokenWith(ada, ['editor'])
      const { events, refused } = await listen('subscription { ticks }', token)
      await until(() => server.app.listeners === 1)
      server.app.emit(7)
      await until(() => events.length === 1)
      expect(events).toEqual([{ ticks: 7 }])
      await server.send('mutation { revokeSessions }', { token })
      server.app.emit(8)
      expect(await refused).toMatchObject({ reason: 'SESSIONS_REVOKED' })
      expect(events).toEqual([{ ticks: 7 }])
    })

    it('is refused without the second factor that its field asks for', async () => {
      const { accessToken } = await server.login(ada)
      const { refused } = await listen('subscription { strongTicks }', accessToken)
      expect(await refused).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED', mfa: true })
      expect(server.app.listeners).toBe(0)
      const proved = openForge(server, accessToken).make({ claims: { amr: ['pwd', 'otp', 'mfa'] } })
      const subscription = await listen('subscription { strongTicks }', proved)
      await until(() => server.app.listeners === 1)
      server.app.emit(7)
      await until(() => subscription.events.length === 1)
      expect(subscription.events).toEqual([{ strongTicks: 7 }])
      // The server ends the stream: Yoga throws where a client goes away with events on their way.
      await server.send('mutation { logout }', { token: accessToken })
      expect(await subscription.refused).toMatchObject({ reason: 'LOGGED_OUT' })
    })

    it('decides each event anew: the proof of identity may have grown too old', async () => {
      const { events, refused } = await listen(
        'subscription { recentTicks }',
        (await server.login(ada)).accessToken,
      )
      let code: string | undefined
      void refused.then(error => {
        code = error.code
      })
      await emitUntil(() => code !== undefined)
      expect(code).toBe('REAUTHENTICATION_REQUIRED')
      const heard = events.length
      server.app.emit(1)
      expect(events).toHaveLength(heard)
      expect(server.app.listeners).toBe(0)
    })
  })
}
