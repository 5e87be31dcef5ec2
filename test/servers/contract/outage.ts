import { afterAll, describe, expect, it } from '@jest/globals'
import { accepted, me } from '../../sessions/refresh/support.ts'
import { onPostgres } from '../../support/database.ts'
import { type NodeProxy, startProxy } from '../../support/proxy.ts'
import { until } from '../../support/until.ts'
import { type ContractServer, type Start, useContractServer } from './server.ts'

// The embedded database lives and dies with its node.
const describePostgres = onPostgres ? describe : describe.skip

/** A node that loses its database, and gets it back. */
export function outageCases(start: Start, first: ContractServer): void {
  describePostgres('a node whose database can not be reached', () => {
    let proxy: NodeProxy | undefined
    const server = useContractServer(start, async () => {
      const url = new URL(String(first.settings.databaseUrl))
      proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
      url.port = String(proxy.port)
      return { beside: first, settings: { databaseUrl: url.href } }
    })
    afterAll(() => proxy?.close())

    it('answers 503 with Retry-After, lets nobody in, and signs nobody out', async () => {
      const ada = await first.signUp()
      expect(await me(server, ada.accessToken)).toEqual(accepted(ada.userId))
      proxy?.set('cut')
      // What memory knows it may say for the length of a lease.
      const answer = await until(
        () => server.send('{ me { id } }', { token: ada.accessToken }),
        ({ code }) => code !== undefined,
      )
      expect(answer).toMatchObject({ status: 503, data: null })
      expect(answer.errors).toMatchObject([
        {
          message: 'The service cannot answer right now. Please try again.',
          path: ['me'],
          extensions: { code: 'UNAVAILABLE', retryAfter: 1, recover: 'RETRY' },
        },
      ])
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(answer.headers.get('www-authenticate')).toBeNull()

      const refreshed = await server.refresh(ada.refreshToken)
      expect(refreshed).toMatchObject({ status: 503, data: null, code: 'UNAVAILABLE' })
      const beside = await server.send('{ news notes greeting }', { token: ada.accessToken })
      expect(beside).toMatchObject({ status: 200, data: { news: 'It rains.', notes: null, greeting: null } })
      expect(beside.errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])

      proxy?.set('forward')
      const recovered = await until(
        () => me(server, ada.accessToken),
        ({ status }) => status !== 503,
      )
      expect(recovered).toEqual(accepted(ada.userId))
      const again = await server.refresh(ada.refreshToken)
      expect(again.data?.refresh.session.id).toBe(ada.session.id)
    })
  })
}
