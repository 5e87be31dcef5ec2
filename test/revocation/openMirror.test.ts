import { createServer } from 'node:tls'
import { describe, expect, it } from '@jest/globals'
import { appWithout } from '../support/appWithout.ts'
import { cert, key } from '../support/certificate.ts'
import { newSecret } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { freePort } from '../support/freePort.js'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { startTestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const password = 'mirror-secret-0815'

/** Starts a node with a mirror at this URL, until the log or Redis shows what is awaited. @returns the log's lines */
async function run(url: string, isDone: (log: string) => unknown): Promise<string> {
  let log = ''
  const server = await startTestServer({
    env: { ANNUL_REDIS_URL: url },
    onLogLine: line => {
      log += line
    },
  })
  try {
    await until(() => isDone(log))
  } finally {
    await server.close()
  }
  return log
}

async function withRedis<T>(flags: string[], use: (redis: TestRedis) => Promise<T>): Promise<T> {
  const redis = await startRedis(flags)
  try {
    return await use(redis)
  } finally {
    await redis.close()
  }
}
const isFresh = (redis: TestRedis) => () => redis.get('{annul}:fresh')

describe('at its start a node', () => {
  const evicts = 'Redis may evict revocations when its memory is full'
  const isOld = 'Redis may start from a file that is older than its memory'

  it.each([
    ['evicts', ['--maxmemory-policy', 'allkeys-lru'], [evicts]],
    ['saves its memory now and then', ['--save', '60 1000'], [isOld]],
    ['appends to its file, and writes it every second', ['--appendonly', 'yes'], [isOld]],
    ['appends to its file, and writes it at once', ['--appendonly', 'yes', '--appendfsync', 'always'], []],
    ['has no file, and evicts nothing', [], []],
    ['may not be asked', ['--maxmemory-policy', 'allkeys-lru', '--rename-command', 'CONFIG', ''], []],
  ])('warns where it has to of a Redis that %s', async (_, flags, warnings) => {
    await withRedis(flags, async redis => {
      const log = await run(redis.url, isFresh(redis))
      expect([evicts, isOld].filter(warning => log.includes(warning))).toEqual(warnings)
    })
  })

  it('names the package that is missing, before anything is opened', async () => {
    const run = await appWithout('@redis')
    const { env } = await createDatabase()
    const { PATH = '' } = process.env
    const settings = { PATH, ANNUL_SECRET: newSecret(), ANNUL_LOG_LEVEL: 'silent', ...env }
    const open = (more: Record<string, string>) => run({ ...settings, ...more })
    expect(await open({ ANNUL_REDIS_URL: 'redis://redis.example.com' })).toBe(
      'ANNUL_REDIS_URL (redisUrl) needs packages that are not installed: npm install @redis/client\n',
    )
    expect(await open({})).toBe('opened\n')
  })
})

describe('the log', () => {
  const failed = 'Redis can not be kept up to date; trying again.'

  it('never has the password, neither of a Redis that refuses it nor of one that is not there', async () => {
    await withRedis([], async redis => {
      await redis.command('ACL', 'SETUSER', 'mirror', 'on', '>other', '~*', '+@all')
      const refused = await run(`redis://mirror:${password}@127.0.0.1:${redis.port}`, log =>
        log.includes(failed),
      )
      expect(refused).toContain('WRONGPASS')
      expect(refused).not.toContain(password)
    })
    const absent = await run(`redis://mirror:${password}@127.0.0.1:${await freePort()}`, log =>
      log.includes(failed),
    )
    expect(absent).toContain('ECONNREFUSED')
    expect(absent).not.toContain(password)
  })

  it('tells of a certificate that nobody trusts, and sends nothing to its holder', async () => {
    let received = ''
    const server = createServer({ key, cert }, socket => {
      socket.on('data', data => {
        received += String(data)
      })
      socket.on('error', () => {})
    })
    server.on('tlsClientError', () => {})
    const port = await freePort()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    const log = await run(`rediss://mirror:${password}@127.0.0.1:${port}`, text => text.includes(failed))
    expect(log).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(received).toBe('')
    await new Promise(resolve => server.close(resolve))
  })
})

describe('a node of a cluster', () => {
  it('that does not have the keys leads the mirror to the one that has', async () => {
    const flags = ['--cluster-enabled', 'yes']
    await withRedis(flags, other =>
      withRedis(flags, async owner => {
        await owner.command('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383)
        await other.command('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
        const slot = Number(await owner.command('CLUSTER', 'KEYSLOT', '{annul}:fresh'))
        const [has, lacks] = slot > 8191 ? [owner, other] : [other, owner]
        await owner.command('CLUSTER', 'MEET', '127.0.0.1', other.port)
        for (const each of [owner, other])
          await until(
            () => each.command('CLUSTER', 'INFO'),
            info => String(info).includes('cluster_state:ok'),
          )
        await run(lacks.url, isFresh(has))
      }),
    )
  })
})
