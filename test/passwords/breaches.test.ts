import { createHash, randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { setPassword } from '../../src/admin/setPassword.ts'
import { openBreachCheck } from '../../src/passwords/breaches.ts'
import { openPasswords } from '../../src/passwords/hash.ts'
import { type Account, type TokensAnswer, tokenFields } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/** For look-ups that are to be answered: the machine may have other things to do. */
const patienceMs = 60_000
const breached = 'a password that was leaked'
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase()
const padding = Array.from(
  { length: 900 },
  () => `${randomBytes(18).toString('hex').slice(1).toUpperCase()}:0`,
)
const rangeOf = (prefix: string) =>
  [...padding, ...(sha1(breached).startsWith(prefix) ? [`${sha1(breached).slice(5)}:17`] : [])].join('\r\n')

const answerRange: RequestListener = (request, response) => {
  response.end(rangeOf((request.url ?? '').slice(-5)))
}

/** What the service does at the moment. */
let answer: RequestListener = answerRange
let asked: { url: string; headers: Record<string, unknown>; body: string }[] = []
let service: Server
let refusing: TcpServer
let url: string
const addressOf = (server: Server | TcpServer) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  service = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      asked.push({ url: request.url ?? '', headers: request.headers, body })
      answer(request, response)
    })
  })
  refusing = createTcpServer(socket => socket.destroy())
  await Promise.all([
    new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve)),
    new Promise<void>(resolve => refusing.listen(0, '127.0.0.1', resolve)),
  ])
  url = `${addressOf(service)}/range/`
})
afterEach(() => {
  answer = answerRange
  asked = []
})
afterAll(() => {
  service.closeAllConnections()
  service.close()
  refusing.close()
})

/** One look-up, with what the metrics were told of it. */
async function check(password: string, at = url, deadlineMs = patienceMs) {
  const told: string[] = []
  const isBreached = await openBreachCheck(at, result => told.push(result), deadlineMs)(password)
  return { isBreached, told }
}

describe('a look-up of a new password (ASVS 5.0 6.2.12, NIST SP 800-63B-4 3.1.1.2)', () => {
  it('finds a breached password, and no other', async () => {
    expect(await check(breached)).toEqual({ isBreached: true, told: ['breached'] })
    expect(await check(`${breached}.`)).toEqual({ isBreached: false, told: ['clean'] })
    expect(await check(breached, url.slice(0, -1))).toEqual({ isBreached: true, told: ['breached'] })
  })

  it('takes padding, whose count is 0, for nothing', async () => {
    answer = (_, response) => response.end(`${sha1(breached).slice(5)}:0`)
    expect(await check(breached)).toEqual({ isBreached: false, told: ['clean'] })
  })

  it('sends five digits of the hash, asks for padding, and nothing else of the password', async () => {
    await check(breached)
    const hash = sha1(breached)
    expect(asked).toEqual([expect.objectContaining({ url: `/range/${hash.slice(0, 5)}`, body: '' })])
    expect(asked[0]?.headers).toMatchObject({ 'add-padding': 'true', 'user-agent': 'annul' })
    const sent = JSON.stringify(asked).toUpperCase()
    for (const secret of [breached.toUpperCase(), hash, hash.slice(5), hash.slice(0, 6)])
      expect(sent).not.toContain(secret)
  })
})

describe('a look-up fails open', () => {
  let hanging: (() => void)[] = []
  afterEach(() => {
    for (const end of hanging) end()
    hanging = []
  })
  const hang = (response: { destroy(): void }) => hanging.push(() => response.destroy())

  /** What only the deadline ends. */
  const late: Record<string, RequestListener> = {
    'never answers': (_, response) => hang(response),
    'stops in the middle of its answer': (_, response) => {
      response.write(rangeOf(sha1(breached).slice(0, 5)))
      hang(response)
    },
    'drips a byte at a time': (_, response) => {
      const text = rangeOf(sha1(breached).slice(0, 5))
      let at = 0
      const timer = setInterval(() => response.write(text[at++] ?? '\n'), 5)
      hanging.push(
        () => clearInterval(timer),
        () => response.destroy(),
      )
    },
  }
  const faults: Record<string, RequestListener> = {
    ...late,
    'breaks off': (_, response) => response.destroy(),
    'answers with 500': (request, response) => {
      response.statusCode = 500
      answerRange(request, response)
    },
    'answers with a page': (_, response) => response.end('<html>Please log in.</html>'),
    'answers with nothing': (_, response) => response.end(),
    'redirects to where the password is found': (request, response) => {
      if (request.url?.startsWith('/range/'))
        response.writeHead(302, { location: `/moved/${request.url.slice(-5)}` }).end()
      else answerRange(request, response)
    },
  }
  it.each(Object.entries(faults))('where the service %s', async (name, fault) => {
    answer = fault
    expect(await check(breached, url, name in late ? 500 : patienceMs)).toEqual({
      isBreached: false,
      told: ['failed'],
    })
  })

  it('where nobody listens, or the connection is closed at once', async () => {
    const failed = { isBreached: false, told: ['failed'] }
    expect(await check(breached, `${addressOf(refusing)}/`)).toEqual(failed)
    expect(await check(breached, 'http://127.0.0.1:1/')).toEqual(failed)
  })

  it('where the answer has 100 MB, of which next to nothing is read', async () => {
    let written = 0
    let ended: Promise<unknown> | undefined
    answer = (_, response) => {
      const line = Buffer.from(`${padding.join('\r\n')}\r\n`)
      ended = new Promise(resolve => response.on('close', () => resolve(undefined)))
      const pump = () => {
        while (written < 100e6 && !response.destroyed) {
          written += line.length
          if (!response.write(line)) return response.once('drain', pump)
        }
        return response.end(`${sha1(breached).slice(5)}:17`)
      }
      pump()
    }
    expect(await check(breached)).toEqual({ isBreached: false, told: ['failed'] })
    await ended
    // What is in the buffers of the sockets was written too.
    expect(written).toBeLessThan(20e6)
  })

  it('where eight others are on their way: the ninth does not ask', async () => {
    answer = (_, response) => hang(response)
    const told: string[] = []
    const isBreached = openBreachCheck(url, result => told.push(result), patienceMs)
    const others = Array.from({ length: 8 }, () => isBreached(breached))
    await until(() => asked.length === 8)
    expect(await isBreached(breached)).toBe(false)
    expect(told).toEqual(['failed'])
    for (const end of hanging) end()
    expect(await Promise.all(others)).toEqual(Array(8).fill(false))
    expect(asked).toHaveLength(8)
    answer = answerRange
    expect(await isBreached(breached)).toBe(true)
  })

  it('after 500 ms, unless told otherwise', async () => {
    answer = (_, response) => hang(response)
    // A deadline of a minute would outlast the test.
    expect(await openBreachCheck(url, () => {})(breached)).toBe(false)
  }, 30_000)
})

describe('with ANNUL_BREACH_URL', () => {
  let server: TestServer
  let account: Account & TokensAnswer
  beforeAll(async () => {
    server = await startTestServer({ env: { ANNUL_BREACH_URL: url } })
    account = await server.signUp()
  })

  it('the setting is heeded', async () => {
    // Where the machine is slower than the deadline, the password passes: then the next account is tried.
    const reason = async () => (await register(breached)).errors?.[0]?.extensions?.reason
    expect(await until(reason)).toBe('PASSWORD_BREACHED')
    const { parts } = server.auth
    const isBreached = openBreachCheck(url, parts.metrics.breachChecked, patienceMs)
    Object.assign(parts, { passwords: await openPasswords({ isBreached }) })
  })
  afterAll(() => server.close())

  const register = (password: string) =>
    server.send(`mutation ($input: RegisterInput!) { register(input: $input) { ${tokenFields} } }`, {
      variables: { input: { email: `${randomBytes(6).toString('hex')}@example.com`, password } },
    })
  const change = (newPassword: string) =>
    server.send('mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }', {
      variables: { input: { currentPassword: account.password, newPassword } },
      token: account.accessToken,
    })
  const refusal = (argument: string) => [
    {
      message: 'This password is known from a breach of another service. Please choose another one.',
      extensions: { code: 'BAD_USER_INPUT', reason: 'PASSWORD_BREACHED', argument },
    },
  ]

  it('every new password is looked up, and the metrics count it', async () => {
    const count = async (result: string) => {
      const text = await (await fetch(`${server.url}/metrics`)).text()
      return Number(text.match(`annul_breach_checks_total{result="${result}"} (\\d+)`)?.[1] ?? 0)
    }
    const before = {
      breached: await count('breached'),
      clean: await count('clean'),
      failed: await count('failed'),
    }
    expect((await register(breached)).errors).toMatchObject(refusal('input.password'))
    expect((await change(breached)).errors).toMatchObject(refusal('input.newPassword'))
    await expect(
      setPassword(server.auth.parts, { id: account.userId, password: breached }),
    ).rejects.toMatchObject({ details: { reason: 'PASSWORD_BREACHED' } })
    expect((await register(`${breached}.`)).errors).toBeUndefined()
    answer = (_, response) => response.destroy()
    expect((await register(breached)).errors).toBeUndefined()
    const after = {
      breached: await count('breached'),
      clean: await count('clean'),
      failed: await count('failed'),
    }
    const { breached: found, clean, failed } = before
    expect(after).toEqual({ breached: found + 3, clean: clean + 1, failed: failed + 1 })
  })

  it('no password is looked up at a sign-in, nor one that another rule refuses', async () => {
    await server.login(account)
    expect((await register('short')).errors).toMatchObject([{ extensions: { reason: 'PASSWORD_TOO_SHORT' } }])
    expect((await register('passwordpassword')).errors).toMatchObject([
      { extensions: { reason: 'PASSWORD_TOO_COMMON' } },
    ])
    expect(asked).toEqual([])
  })

  const onlyPostgres = onPostgres ? it : it.skip
  onlyPostgres('no transaction is open while the service is waited for', async () => {
    const open = () =>
      server.rows<{ count: number }>(
        sql`select count(*)::int as count from pg_stat_activity
            where datname = current_database() and application_name = 'annul' and xact_start is not null
            and pid <> pg_backend_pid()`,
      )
    const verbs = [
      () => register(`${breached} 1`),
      () => change(`${breached} 2`),
      () => setPassword(server.auth.parts, { id: account.userId, password: `${breached} 3` }),
    ]
    for (const verb of verbs) {
      let release = () => {}
      const arrived = new Promise<void>(resolve => {
        answer = (request, response) => {
          release = () => answerRange(request, response)
          resolve()
        }
      })
      const running = verb()
      await arrived
      const [counted] = await open()
      release()
      expect(counted).toEqual({ count: 0 })
      await running
    }
    await until(async () => asked.length === 3)
  })
})
