import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { type Authenticator, type Decision, openAuthenticator } from '../../src/decisions/authenticate.ts'
import { openStrictReader, type StrictReader } from '../../src/decisions/strictReader.ts'
import { AuthError } from '../../src/errors.ts'
import type { Parts } from '../../src/parts.ts'
import { accessTokens, noteKeyOf } from '../../src/tokens/accessToken.ts'
import { openSigningKeys } from '../../src/tokens/signingKeys.ts'
import type { DeviceVisitor } from '../../src/viewer.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { openForge } from '../support/forge.ts'
import { importUser, openFormerForge, openFormerSystem } from '../support/formerSystem.ts'
import { noDevice } from '../support/noDevice.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* Who decides about a token, and what the metrics and the log are told, by the parts of a server that runs. */

const server = useServer()
const onlyPostgres = onPostgres ? it : it.skip
const system = openFormerSystem('ES256')
let account: Account & TokensAnswer
let tokens: TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
  server.auth.accept(system.options)
})
beforeEach(async () => {
  tokens = await server.login(account)
  await until(() => server.auth.parts.revocation.isFresh())
})

const visitor = (binding?: string): DeviceVisitor => ({
  ipAddress: '203.0.113.7',
  userAgent: 'a browser',
  binding,
  newBinding: 'the new one',
  revoked: () => {},
  device: noDevice,
})

/** An authenticator by the server's parts, with changes. */
function open(change: Partial<Parts> = {}, strict: StrictReader = server.auth.strict) {
  const decided: string[] = []
  const logged: unknown[][] = []
  const { parts } = server.auth
  const authenticator: Authenticator = openAuthenticator(
    {
      ...parts,
      metrics: { ...parts.metrics, decided: (path, outcome) => void decided.push(`${path} ${outcome}`) },
      log: { ...parts.log, error: (...line: unknown[]) => void logged.push(line) },
      ...change,
    },
    strict,
  )
  return { decide: authenticator.decide, decided, logged }
}
/** By the primary alone. */
const strictly = () => ({ config: { ...server.auth.parts.config, revocation: 'strict' as const } })
/** With a view that is not up to date. */
const stale = () => {
  const { revocation } = server.auth.parts
  return { revocation: { ...revocation, view: revocation.view, isFresh: () => false } as Parts['revocation'] }
}
const reasonOf = (decision: Decision) =>
  decision instanceof AuthError ? (decision.extensions.reason ?? decision.code) : decision.userId
const logOut = () => server.send('mutation { logout }', { token: tokens.accessToken })
const forge = () => openForge(server, tokens.accessToken)

describe('a token of Annul’s', () => {
  it('is decided by the view at once, while the view is fresh', async () => {
    const { decide, decided } = open()
    const viewer = decide(visitor(), tokens.accessToken)
    expect(viewer).not.toBeInstanceOf(Promise)
    const { claims } = viewer as Exclude<Decision, AuthError>
    expect(viewer).toEqual({
      ipAddress: '203.0.113.7',
      userAgent: 'a browser',
      binding: undefined,
      newBinding: 'the new one',
      revoked: expect.any(Function),
      userId: account.userId,
      sessionId: tokens.session.id,
      roles: [],
      scopes: [],
      claims,
    })
    expect(claims).toBe(server.auth.parts.accessTokens.verify(tokens.accessToken))
    await logOut()
    expect(reasonOf(await decide(visitor(), tokens.accessToken))).toBe('LOGGED_OUT')
    expect(decided).toEqual(['view accepted', 'view LOGGED_OUT'])
  })

  it('has the scopes of its claim, one by one', async () => {
    const { decide } = open()
    const scopesOf = async (scope: string) => {
      const decision = await decide(visitor(), forge().make({ claims: { scope } }))
      return decision instanceof AuthError ? decision : decision.scopes
    }
    expect(await scopesOf('read write all')).toEqual(['read', 'write', 'all'])
    expect(await scopesOf('read')).toEqual(['read'])
    expect(await scopesOf('')).toEqual([])
  })

  it.each<[string, () => Partial<Parts>]>([
    ['while the view is stale', stale],
    ['on a node that is strict', strictly],
  ])('is decided by the primary %s', async (_, change) => {
    const { decide, decided } = open(change())
    const first = decide(visitor(), tokens.accessToken)
    expect(first).toBeInstanceOf(Promise)
    expect(reasonOf(await first)).toBe(account.userId)
    await logOut()
    expect(reasonOf(await decide(visitor(), tokens.accessToken))).toBe('LOGGED_OUT')
    expect(decided).toEqual(['strict accepted', 'strict LOGGED_OUT'])
  })

  it('is refused by itself where it is none, or has ended', () => {
    const { decide, decided } = open()
    const expired = forge().make({ claims: { exp: forge().claims.iat - 1 } })
    const refused = [undefined, '', 'nonsense', expired].map(token => {
      const decision = decide(visitor(), token)
      expect(decision).not.toBeInstanceOf(Promise)
      return reasonOf(decision as Decision)
    })
    expect(refused).toEqual(['TOKEN_MISSING', 'TOKEN_INVALID', 'TOKEN_INVALID', 'TOKEN_EXPIRED'])
    expect(decided).toEqual(refused.map(reason => `token ${reason}`))
  })

  it('is refused as expired where it is bound to something else', () => {
    const bind = (kind: 'ip' | 'none') => ({ config: { ...server.auth.parts.config, bind: kind } })
    const bound = forge().make({ claims: { cnf: { binding: 'the binding' } } })
    const { decide, decided } = open(bind('ip'))
    const verdicts = [
      ['the binding', bound],
      ['another', bound],
      [undefined, bound],
      ['', bound],
      ['the binding', tokens.accessToken],
      [undefined, tokens.accessToken],
      ['', forge().make({ claims: { cnf: { binding: '' } } })],
    ].map(([binding, token]) => reasonOf(decide(visitor(binding), token) as Decision))
    expect(verdicts).toEqual([account.userId, ...Array(6).fill('TOKEN_EXPIRED')])
    expect(decided).toEqual(['view accepted', ...Array(6).fill('token TOKEN_EXPIRED')])
    // Where nothing is bound, nothing is asked of it.
    expect(reasonOf(open(bind('none')).decide(visitor(), bound) as Decision)).toBe(account.userId)
  })
})

describe('a token of a key that is not known', () => {
  const next = () => forge().make({ header: { kid: 'the next key' } })

  it('waits for the keys to be read once more, and is judged by what is known then', async () => {
    const { parts } = server.auth
    const secret = Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64')
    const keys = await openSigningKeys(parts.db, secret, parts.clock.now, parts.log)
    let isRead = false
    let reloads = 0
    // A set of keys that knows the server's key only after it was read again.
    const late = {
      ...keys,
      version: 1,
      find: (kid: string) => (isRead ? keys.find(kid) : undefined),
      async reload() {
        reloads++
        isRead = true
      },
    }
    const verifier = accessTokens({ ...parts.config, keys: late, now: parts.clock.now })
    const { decide, decided } = open({ keys: late, accessTokens: verifier })
    const waiting = decide(visitor(), tokens.accessToken)
    expect(waiting).toBeInstanceOf(Promise)
    expect(reasonOf(await waiting)).toBe(account.userId)
    expect(reasonOf(await decide(visitor(), next()))).toBe('TOKEN_INVALID')
    expect(decided).toEqual(['view accepted', 'token TOKEN_INVALID'])
    // The first by its own key, which is known by now.
    await decide(visitor(), tokens.accessToken)
    expect(reloads).toBe(2)
    keys.close()
  })

  it('is neither accepted nor refused while the keys can not be read', async () => {
    const { parts } = server.auth
    const failure = new Error('The keys can not be read.')
    const { decide, decided, logged } = open({
      keys: { ...parts.keys, reload: () => Promise.reject(failure) },
    })
    expect(reasonOf(await decide(visitor(), next()))).toBe('UNAVAILABLE')
    expect(decided).toEqual(['unavailable UNAVAILABLE'])
    expect(logged).toEqual([[{ err: failure }, 'A decision failed.']])
  })
})

describe('a token of a former system', () => {
  it('is decided by the primary, with the user’s roles and scopes of this moment', async () => {
    const former = openFormerForge(server, system, await importUser(server, ['editor']))
    await server.rows(sql`update annul.users set scopes = '{read,write}' where id = ${former.userId}`)
    const { decide, decided } = open()
    const token = former.make()
    const viewer = await decide(visitor(), token)
    expect(viewer).toMatchObject({
      userId: former.userId,
      sessionId: null,
      roles: ['editor'],
      scopes: ['read', 'write'],
      claims: { sid: null, iss: system.options.issuer },
    })
    await server.rows(
      sql`update annul.users set roles = '{}', status = 'BLOCKED' where id = ${former.userId}`,
    )
    expect(reasonOf(await decide(visitor(), token))).toBe('USER_BLOCKED')
    expect(decided).toEqual(['strict accepted', 'strict USER_BLOCKED'])
  })

  it('is refused by itself where it is not authentic, or has ended', async () => {
    const former = openFormerForge(server, system, account.userId)
    const { decide, decided } = open()
    const changed = former.make().replace(/[^.]*$/, former.make({ claims: { a: 1 } }).split('.')[2] ?? '')
    expect(reasonOf(decide(visitor(), changed) as Decision)).toBe('TOKEN_INVALID')
    const ended = former.make({ claims: { exp: Math.floor(server.auth.parts.clock.now()) - 1 } })
    expect(reasonOf(decide(visitor(), ended) as Decision)).toBe('TOKEN_EXPIRED')
    expect(decided).toEqual(['token TOKEN_INVALID', 'token TOKEN_EXPIRED'])
  })

  it('is not asked about where a token of Annul’s was meant', () => {
    const { parts } = server.auth
    const asked: string[] = []
    const formerTokens = { ...parts.formerTokens, verify: (token: string) => void asked.push(token) }
    const { decide } = open({ formerTokens } as Partial<Parts>)
    decide(visitor(), tokens.accessToken)
    decide(visitor(), forge().make({ claims: { exp: forge().claims.iat - 1 } }))
    expect(asked).toEqual([])
    decide(visitor(), 'nonsense')
    expect(asked).toEqual(['nonsense'])
  })
})

describe('an outage', () => {
  it('of a part of the database signs nobody out and lets nobody in, and the log tells of it', async () => {
    const { parts } = server.auth
    const former = openFormerForge(server, system, account.userId)
    const { decide, decided, logged } = open(strictly(), openStrictReader(parts.db, parts.clock))
    await server.rows(sql`alter table annul.epochs rename to away`)
    try {
      for (const token of [tokens.accessToken, former.make()])
        expect(reasonOf(await decide(visitor(), token))).toBe('UNAVAILABLE')
    } finally {
      await server.rows(sql`alter table annul.away rename to epochs`)
    }
    expect(logged).toEqual(Array(2).fill([{ err: expect.any(Error) }, 'A decision failed.']))
    expect(decided).toEqual(Array(2).fill('unavailable UNAVAILABLE'))
  })

  onlyPostgres('is no failure of the code', async () => {
    const former = openFormerForge(server, system, account.userId)
    const { decide, decided, logged } = open(strictly())
    const { default: postgres } = await import('postgres')
    const client = postgres(server.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
    try {
      await client.begin(async tx => {
        await tx`lock table annul.epochs in access exclusive mode`
        const verdicts = [tokens.accessToken, former.make()].map(token => decide(visitor(), token))
        expect((await Promise.all(verdicts)).map(reasonOf)).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
      })
    } finally {
      await client.end()
    }
    expect([logged, decided]).toEqual([[], Array(2).fill('unavailable UNAVAILABLE')])
    expect(reasonOf(await decide(visitor(), tokens.accessToken))).toBe(account.userId)
  })
})

describe('the primary', () => {
  const claims = () => {
    const found = server.auth.parts.accessTokens.verify(tokens.accessToken)
    if (typeof found === 'string') throw new Error(found)
    return found
  }

  it('is asked by one statement for all that come at once, and each gets its own answer', async () => {
    const { strict } = server.auth
    const other = await server.login(account)
    await logOut()
    const mine = claims()
    const asked = [
      strict.verdict(mine),
      strict.verdict({ ...mine, sid: other.session.id }),
      strict.verdict({ ...mine, sub: other.session.id }),
      strict.verdict({ ...mine, sid: account.userId }),
      strict.verdict({ ...mine, ver: mine.ver - 1, sid: other.session.id }),
      strict.verdict({ ...mine, exp: 1 }),
    ]
    expect(await Promise.all(asked)).toEqual([
      'LOGGED_OUT',
      undefined,
      'USER_DELETED',
      'SESSION_EXPIRED',
      'SESSION_REVOKED',
      'TOKEN_EXPIRED',
    ])
  })

  it('says of a user what the rows say, and of nobody nothing', async () => {
    const { strict } = server.auth
    await server.rows(
      sql`update annul.users set roles = '{a,b}', scopes = '{c}', created_epoch = 4 where id = ${account.userId}`,
    )
    const [user, nobody] = await Promise.all([
      strict.ofUser(account.userId),
      strict.ofUser(tokens.session.id),
    ])
    expect(user).toMatchObject({
      status: 'ACTIVE',
      roles: '["a","b"]',
      scopes: '["c"]',
      created_epoch: 4,
      token_version: expect.any(Number),
      session_found: false,
      key_revoked: false,
    })
    expect(nobody).toMatchObject({ status: null, roles: null, scopes: null, created_epoch: null })
    await server.rows(
      sql`update annul.users set roles = '{}', scopes = '{}', created_epoch = 0 where id = ${account.userId}`,
    )
  })

  it('knows the key of a token by its name, whatever that is', async () => {
    const { strict } = server.auth
    const odd = 'a "key", with \\ and {braces}'
    await server.rows(sql`insert into annul.signing_keys
      (id, public_jwk, encrypted_private_key, signs_from, retired_at, revoked_at)
      values (${odd}, '{}', ''::bytea, now(), now(), now())`)
    const signed = { ...claims() }
    const named = { alg: 'ES256', kid: odd, typ: 'at+jwt' }
    noteKeyOf(signed, forge().make({ header: named }))
    const verdicts = [strict.verdict(signed), strict.verdict(claims()), strict.verdict({ ...signed })]
    expect(await Promise.all(verdicts)).toEqual(['KEY_REVOKED', undefined, undefined])
    await server.rows(sql`delete from annul.signing_keys where id = ${odd}`)
  })

  it('tells its time with each answer, and once for several', async () => {
    const { parts } = server.auth
    const heard: number[] = []
    const reader = openStrictReader(parts.decisions, {
      ...parts.clock,
      observe(time, sentAt) {
        expect(sentAt).toBeLessThanOrEqual(performance.now())
        heard.push(time)
      },
    })
    await Promise.all([reader.verdict(claims()), reader.ofUser(account.userId)])
    expect(heard).toHaveLength(1)
    expect(Math.abs((heard[0] ?? 0) - parts.clock.now())).toBeLessThan(5)
  })
})
