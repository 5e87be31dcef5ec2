import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { compile } from '../support/compile.ts'
import { temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { startRedis } from '../support/redis.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'

/* docs/redis.md: what it shows is run as it stands, against a Redis with the users that it shows. */

const page = readFileSync(join(root, 'docs/redis.md'), 'utf8')
const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? ''

const packages = [
  ...['graphql', '@redis/client', 'ioredis', '@ioredis/commands', 'express', '@types/express', '@types/node'],
  ...['@types/express-serve-static-core', '@types/serve-static', '@types/send', '@types/body-parser'],
  ...['@types/connect', '@types/qs', '@types/range-parser', '@types/http-errors'],
]

const redis = useFixture(async () => {
  const started = await startRedis()
  for (const line of block('acl').trim().split('\n')) await started.command(...line.split(' '))
  return started
})
const server = useServer(() => ({
  env: { ANNUL_REDIS_URL: `redis://annul-mirror:mirror-password@127.0.0.1:${redis.port}` },
}))

interface Claims {
  readonly sub: string
  readonly sid: string
  readonly ver: number
  readonly epoch: number
}

function parts(token: string): { kid: string; claims: Claims } {
  const [header, claims] = token.split('.').map(part => Buffer.from(part, 'base64url').toString())
  return { ...(JSON.parse(String(header)) as { kid: string }), claims: JSON.parse(String(claims)) }
}

let folder: string
beforeAll(async () => {
  folder = await temporaryDirectory()
  writeFileSync(join(folder, 'decide.sh'), block('sh'))
  writeFileSync(join(folder, 'decide.py'), block('python'))
})
beforeEach(() => until(() => redis.get('{annul}:fresh')))

async function run(file: string, args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    REDIS_PORT: String(redis.port),
    REDIS_USER: 'annul-reader',
    REDISCLI_AUTH: 'reader-password',
  }
  const ended = await promisify(execFile)(file, args, { cwd: folder, env }).catch(
    (error: { stdout: string }) => error,
  )
  return ended.stdout.trim()
}

const recipes: Record<string, (token: string) => Promise<string>> = {
  'In a shell': token => {
    const { kid, claims } = parts(token)
    const { sub, sid, ver, epoch } = claims
    return run('sh', ['decide.sh', sub, sid, String(ver), String(epoch), kid])
  },
  'In Python, with its standard library': token => {
    const { kid, claims } = parts(token)
    return run('python3', ['decide.py', JSON.stringify(claims), kid])
  },
}

describe.each(Object.entries(recipes))('the recipe "%s"', (section, decide) => {
  it('stands in the page', () => {
    expect(page).toContain(`\n## ${section}\n`)
  })

  it('accepts a token until its logout or the change of its password was answered', async () => {
    const [one, two] = [await server.signUp(), await server.signUp()]
    expect(await decide(one.accessToken)).toBe('accepted')
    await server.send('mutation { logout }', { token: one.accessToken })
    expect(await decide(one.accessToken)).toBe('LOGGED_OUT')
    expect(await decide(two.accessToken)).toBe('accepted')
    const { claims } = parts(two.accessToken)
    await redis.command('SET', `{annul}:user:${claims.sub}`, `${claims.ver + 1} PASSWORD_CHANGED`)
    expect(await decide(two.accessToken)).toBe('PASSWORD_CHANGED')
    await redis.command('SET', `{annul}:user:${claims.sub}`, `${claims.ver} PASSWORD_CHANGED`)
    expect(await decide(two.accessToken)).toBe('accepted')
  })

  it('refuses what everybody and what a key has lost', async () => {
    const { accessToken } = await server.signUp()
    const { kid, claims } = parts(accessToken)
    await redis.command('SET', '{annul}:epoch', claims.epoch)
    expect(await decide(accessToken)).toBe('accepted')
    await redis.command('SET', '{annul}:epoch', claims.epoch + 1)
    expect(await decide(accessToken)).toBe('EVERYTHING_REVOKED')
    await redis.command('SET', `{annul}:key:${kid}`, 'KEY_REVOKED')
    expect(await decide(accessToken)).toBe('KEY_REVOKED')
    await redis.command('DEL', '{annul}:epoch', `{annul}:key:${kid}`)
  })

  it('decides nothing where Redis hangs, refuses to answer or has no "fresh"', async () => {
    const { accessToken } = await server.signUp()
    await redis.command('ACL', 'SETUSER', 'annul-reader', '-mget')
    expect(await decide(accessToken)).toBe('unavailable')
    await redis.command('ACL', 'SETUSER', 'annul-reader', '+mget')
    redis.pause()
    expect(await decide(accessToken)).toBe('unavailable')
    redis.resume()
    // The nodes may not write: `fresh` ends, and nothing renews it.
    await redis.command('ACL', 'SETUSER', 'annul-mirror', '-eval')
    await until(async () => (await redis.get('{annul}:fresh')) === null)
    expect(await decide(accessToken)).toBe('unavailable')
    await redis.command('ACL', 'SETUSER', 'annul-mirror', '+eval')
    await until(() => redis.get('{annul}:fresh'))
    expect(await decide(accessToken)).toBe('accepted')
  })
})

describe('the program "On Node"', () => {
  // The package `redis` is `@redis/client` and modules of it.
  const program = block('ts').replace("from 'redis'", "from '@redis/client'")

  it('compiles as strictly as can be', async () => {
    expect(program).toContain('createVerifier')
    expect(await compile(program, packages, { types: ['node'] })).toEqual([])
  })

  it('compiles with ioredis, too, and not with options of both kinds', async () => {
    const source = /* TypeScript */ `
      import { createVerifier, redis, type RedisVerifierOptions, type Verifier } from 'annul/verify'
      import { createCluster } from '@redis/client'
      import { Redis } from 'ioredis'
      const common = { keys: new URL('https://auth.example.com/keys'), issuer: 'annul', audience: 'annul' }
      const options: RedisVerifierOptions = { ...common, revocations: redis(new Redis()) }
      export const verifiers: Verifier[] = [
        createVerifier(options),
        createVerifier({ ...common, revocations: redis(createCluster({ rootNodes: [] })) }),
        createVerifier({ ...common, revocations: redis(async words => words) }),
      ]
      // @ts-expect-error: options of both kinds
      createVerifier({ ...options, nodes: ['https://auth.example.com'], service: '' })
      // @ts-expect-error: not made by redis(client)
      createVerifier({ ...common, revocations: new Redis() })
      // @ts-expect-error: no issuer
      createVerifier({ revocations: redis(new Redis()), keys: 'https://auth.example.com/keys', audience: 'annul' })
      // @ts-expect-error: the promise of a client
      redis(createCluster({ rootNodes: [] }).connect())`
    expect(await compile(source, packages, { types: ['node'] })).toEqual([])
  })
})

describe('the users that the page shows', () => {
  it('let services read the entries, and write nothing', async () => {
    const as = async (...words: string[]) => {
      const args = ['-p', String(redis.port), '--user', 'annul-reader', ...words]
      const env = { PATH: process.env.PATH, REDISCLI_AUTH: 'reader-password' }
      const { stdout } = await promisify(execFile)('redis-cli', args, { env })
      return stdout.trim()
    }
    expect(await as('MGET', '{annul}:fresh')).toMatch(/^\d+$/)
    for (const words of [
      ['DEL', '{annul}:fresh'],
      ['SET', '{annul}:fresh', '1'],
      ['EVAL', 'return 1', '0'],
      ['FLUSHALL'],
      ['MGET', 'other'],
    ])
      expect(await as(...words)).toContain('NOPERM')
  })
})
