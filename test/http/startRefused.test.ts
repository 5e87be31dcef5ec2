import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { annul, type Ended, newSecret, startNode } from '../support/command.ts'
import { createDatabase, onPostgres, temporaryDirectory, variable } from '../support/database.ts'
import { startProxy } from '../support/proxy.ts'

const onlyPostgres = onPostgres ? it : it.skip
const onlyEmbedded = onPostgres ? it.skip : it
const me = '{ me { id } }'

/** One sentence on standard error, nothing else, and the exit status. */
function expectRefusal(ended: Ended, status: number, sentence: string | RegExp): void {
  expect(ended).toEqual({ status, stdout: '', stderr: expect.stringMatching(/^[^\n]+\.?\n$/) })
  expect(ended.stderr).toEqual(
    typeof sentence === 'string' ? `${sentence}\n` : expect.stringMatching(sentence),
  )
}

describe('a start with settings out of range', () => {
  it('names all problems at once, none of the values that are secret, and ends with status 2', async () => {
    const ended = await annul([], {
      PORT: '65536',
      DATABASE_URL: 'mysql://root:hunter2@localhost/annul',
      ANNUL_SECRET: 'c2hvcnQgc2VjcmV0',
      ANNUL_ACCESS_TOKEN_SECONDS: '29',
      ANNUL_SESSION_IDLE_SECONDS: '1e9',
      ANNUL_REFRESH_REUSE_SECONDS: '61',
      ANNUL_REFRESH_REUSE_ENDS: 'everything',
      ANNUL_REVOCATION: 'sometimes',
      ANNUL_LEASE_MS: '-1',
      ANNUL_ALLOWED_ORIGINS: 'https://app.example.com, https://app.example.com/path',
      ANNUL_PASSWORD_MIN_LENGTH: '7',
      ANNUL_ISSUER: 'i'.repeat(256),
    })
    expect(ended).toEqual({ status: 2, stdout: '', stderr: expect.any(String) })
    expect(ended.stderr.split('\n')).toEqual([
      'The settings have problems:',
      '  PORT must be a whole number from 0 to 65535, not "65536".',
      '  ANNUL_SECRET must be at least 32 random bytes in base64. Make one with: openssl rand -base64 32',
      '  ANNUL_ISSUER must have at most 255 characters.',
      '  ANNUL_ACCESS_TOKEN_SECONDS must be a whole number from 30 to 3600, not "29".',
      '  ANNUL_SESSION_IDLE_SECONDS must be a whole number from 60 to 315360000, not "1e9".',
      '  ANNUL_REFRESH_REUSE_SECONDS must be a whole number from 0 to 60, not "61".',
      '  ANNUL_REFRESH_REUSE_ENDS must be one of session, user, not "everything".',
      '  ANNUL_REVOCATION must be one of view, strict, not "sometimes".',
      '  ANNUL_LEASE_MS must be a whole number from 200 to 60000, not "-1".',
      '  ANNUL_ALLOWED_ORIGINS: "https://app.example.com/path" is not an origin such as https://app.example.com (scheme and host, no path).',
      '  ANNUL_PASSWORD_MIN_LENGTH must be a whole number from 8 to 64, not "7".',
      '  DATABASE_URL must start with postgres:// or postgresql://.',
      '',
    ])
  })

  it('refuses settings that only together make no sense, and a database or production without a secret', async () => {
    const relations = await annul([], {
      ANNUL_ACCESS_TOKEN_SECONDS: '600',
      ANNUL_SESSION_IDLE_SECONDS: '599',
      ANNUL_SESSION_MAX_SECONDS: '598',
      DATABASE_URL: 'postgres://u:p%@host:port/name',
      NODE_ENV: 'production',
    })
    expect(relations.status).toBe(2)
    expect(relations.stderr.split('\n').slice(1, -1)).toEqual([
      '  DATABASE_URL is not a URL. In user name and password, special characters must be percent-encoded.',
      '  ANNUL_SECRET is required when DATABASE_URL is set. Make one with: openssl rand -base64 32',
      '  ANNUL_SESSION_IDLE_SECONDS must not be less than ANNUL_ACCESS_TOKEN_SECONDS.',
      '  ANNUL_SESSION_MAX_SECONDS must not be less than ANNUL_SESSION_IDLE_SECONDS.',
    ])
    const production = await annul([], { NODE_ENV: 'production' })
    expect(production.status).toBe(2)
    expect(production.stderr).toContain('ANNUL_SECRET is required when NODE_ENV is production.')
  })
})

describe('a start that finds no database', () => {
  const start = (DATABASE_URL: string) => annul([], { DATABASE_URL, ANNUL_SECRET: newSecret() })

  it('says in one sentence that nobody listens there', async () => {
    const port = await takePort()
    await port.close()
    expectRefusal(
      await start(`postgres://user:secret-of-the-url@127.0.0.1:${port.number}/annul`),
      1,
      `The database at DATABASE_URL can't be reached: connect ECONNREFUSED 127.0.0.1:${port.number}.`,
    )
  })

  it('gives up on an address that accepts connections and never answers', async () => {
    const silent = await takePort()
    const ended = await start(`postgres://user:secret-of-the-url@127.0.0.1:${silent.number}/annul`)
    expectRefusal(ended, 1, /^The database at DATABASE_URL can't be reached: .*TIMEOUT.*\.$/m)
    await silent.close()
  })

  onlyPostgres(
    'says in one sentence that the credentials are wrong, or that the database is not there',
    async () => {
      const url = new URL(variable('TEST_POSTGRES_URL'))
      url.pathname = '/no_such_database'
      expectRefusal(
        await start(url.href),
        1,
        `The database at DATABASE_URL can't be reached: database "no_such_database" does not exist.`,
      )
      url.pathname = '/postgres'
      url.username = 'nobody'
      url.password = 'secret-of-the-url'
      expectRefusal(
        await start(url.href),
        1,
        `The database at DATABASE_URL can't be reached: password authentication failed for user "nobody".`,
      )
    },
  )

  onlyPostgres('comes up behind a network that only was slow', async () => {
    const { env } = await createDatabase()
    const url = new URL(env.DATABASE_URL ?? '')
    const proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
    proxy.delay(100)
    url.port = String(proxy.port)
    const node = await startNode({ DATABASE_URL: url.href, ANNUL_SECRET: newSecret() })
    expect((await node.send(me)).reason).toBe('TOKEN_MISSING')
    expect((await node.stop()).status).toBe(0)
    await proxy.close()
  })
})

describe('a start that an operator can mend', () => {
  let taken: { number: number; close(): Promise<void> }
  beforeAll(async () => {
    taken = await takePort()
  })
  afterAll(() => taken.close())

  it('says that the secret is not the one of this database', async () => {
    const { env } = await createDatabase()
    expect((await annul(['rotate-keys'], { ...env, ANNUL_SECRET: newSecret() })).status).toBe(0)
    expectRefusal(
      await annul([], { PORT: '0', ...env, ANNUL_SECRET: newSecret() }),
      1,
      'ANNUL_SECRET is not the secret that the signing keys in this database were encrypted under.',
    )
  })

  it('says that the port is taken', async () => {
    const { env } = await createDatabase()
    expectRefusal(
      await annul([], { PORT: String(taken.number), ANNUL_SECRET: newSecret(), ...env }),
      1,
      `Port ${taken.number} of 127.0.0.1 is in use by another program. Set PORT to a free one; PORT=0 takes any.`,
    )
  })

  it('says that the data directory can not be made', async () => {
    const file = join(await temporaryDirectory(), 'file')
    writeFileSync(file, '')
    expectRefusal(
      await annul([], { ANNUL_DATA_DIR: join(file, 'data') }),
      1,
      /^ENOTDIR: not a directory, mkdir '/,
    )
  })

  onlyEmbedded('says that the secret in the data directory is cut short', async () => {
    const { env } = await createDatabase()
    const file = join(env.ANNUL_DATA_DIR ?? '', 'secret')
    writeFileSync(file, 'c2hvcnQ=')
    const ended = await annul([], { PORT: '0', ...env })
    expect(ended.status).toBe(2)
    expect(ended.stderr).toBe(
      `The settings have a problem:\n  ${file} must hold at least 32 random bytes in base64.\n`,
    )
  })
})

/** A port that accepts, and says nothing. */
async function takePort(): Promise<{ number: number; close(): Promise<void> }> {
  const server = createServer(socket => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('A port has no number.')
  return {
    number: address.port,
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}
