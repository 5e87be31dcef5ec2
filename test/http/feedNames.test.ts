import { expect, it } from '@jest/globals'
import { listNodes } from '../../src/admin/listNodes.ts'
import { createService } from '../../src/services/createService.ts'
import { endService } from '../../src/services/endService.ts'
import { openRawFeed } from '../support/feed.ts'
import { startRedis } from '../support/redis.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'

const redis = useFixture(() => startRedis())
const server = useServer(() => ({ env: { ANNUL_REDIS_URL: redis.url } }))

it('A service with the name of the mirror is told apart from it, and its end leaves the mirror alone', async () => {
  const { parts } = server.auth
  const { feed } = parts.revocation
  const kinds = () =>
    feed
      .list()
      .filter(({ name }) => name === 'redis')
      .map(({ kind }) => kind)
      .sort()
  await until(() => redis.get('{annul}:fresh'))
  const { secret } = await createService(parts, { name: 'redis', rights: ['feed'] })
  const service = await openRawFeed(server.url, secret)
  let k = 0
  service.send({ type: 'hello' })
  const beats = setInterval(() => {
    if (service.socket.readyState === service.socket.OPEN) service.send({ type: 'beat', k: ++k, applied: 0 })
  }, 100)
  await until(() => kinds().join() === 'MIRROR,VERIFIER')
  const listed = await until(
    async () => (await listNodes(parts)).filter(({ name }) => name === 'redis'),
    nodes => nodes.length === 2,
  )
  expect(listed.map(({ kind }) => kind).sort()).toEqual(['MIRROR', 'VERIFIER'])

  await endService(parts, { name: 'redis' })
  expect(await service.closed()).toBe('1008 The service has ended.')
  clearInterval(beats)
  await until(() => !kinds().includes('VERIFIER'))
  expect(kinds()).toEqual(['MIRROR'])
  const { accessToken, session } = await server.signUp()
  await server.send('mutation { logout }', { token: accessToken })
  expect(await redis.get(`{annul}:session:${session.id}`)).toBe('LOGGED_OUT')
})
