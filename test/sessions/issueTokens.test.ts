import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { eq, sql } from 'drizzle-orm'
import { sessionColumns } from '../../src/database/rows.ts'
import { sessions } from '../../src/database/tables.ts'
import { transact } from '../../src/database/transact.ts'
import type { Parts } from '../../src/parts.ts'
import { checkBinding } from '../../src/sessions/checkBinding.ts'
import { issueTokens, sessionEnd, type TokenSource } from '../../src/sessions/issueTokens.ts'
import { type Opening, openSession } from '../../src/sessions/openSession.ts'
import { readCredentials } from '../../src/sessions/readCredentials.ts'
import { useServer } from '../support/server.ts'
import { makePerson, type Person, sessionRow, setUser, visitorOf } from './person.ts'

/* What a session's row and its first tokens are made from, without requests. */

const server = useServer({ env: { ANNUL_SESSION_IDLE_SECONDS: '7200', ANNUL_SESSION_MAX_SECONDS: '86400' } })
const parts = () => server.auth.parts
const withBind = (bind: 'none' | 'ip' | 'cookie'): Parts => ({
  ...parts(),
  config: { ...parts().config, bind },
})
let ada: Person
let source: TokenSource
beforeAll(async () => {
  ada = await makePerson(server)
  await setUser(server, ada.userId, sql`roles = '{editor,chief}', scopes = '{read,write}', token_version = 3`)
  const { tokens } = await ada.signIn()
  const readAt = Math.floor(parts().clock.now()) + 0.75
  source = { user: tokens.user, session: tokens.session, epoch: tokens.session.epoch, readAt }
})
const claimsOf = (accessToken: string) =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
type Proof = { authTime?: number; amr?: string[] }
const issue = (change: object = {}, visitor = visitorOf(), options?: Proof, of = parts()) => {
  const session = { ...source.session, ...change }
  const tokens = issueTokens(of, visitor, { ...source, session }, options)
  return { ...tokens, claims: claimsOf(tokens.accessToken) }
}
const at = (seconds: number) => new Date((Math.floor(source.readAt) + seconds) * 1000)

const refusal =
  'With ANNUL_BIND=ip no access token is issued to a client whose address is not known. The request that was handed ' +
  'to context() needs its socket, and a trusted proxy must put an address into X-Forwarded-For.'

describe('tokens', () => {
  it('say what the rows say, from the whole second in which these were read', () => {
    const { claims, expiresIn, refreshToken, session, user } = issue({ generation: 7 })
    const iat = Math.floor(source.readAt)
    expect(claims).toEqual({
      ...{ iss: 'annul', aud: 'annul', client_id: 'annul', jti: expect.any(String) },
      ...{ sub: ada.userId, sid: source.session.id, ver: 3, epoch: source.epoch },
      ...{ roles: ['editor', 'chief'], scope: 'read write', amr: ['pwd'] },
      auth_time: Math.floor(source.session.authTime.getTime() / 1000),
      iat,
      exp: iat + parts().config.accessTokenSeconds,
    })
    expect(expiresIn).toBe(parts().config.accessTokenSeconds)
    expect(parts().refreshTokens.read(refreshToken)).toEqual({ sessionId: source.session.id, generation: 7 })
    expect([session.id, user]).toEqual([source.session.id, source.user])
  })

  it('say another time of proof, where one is given', () => {
    const half = new Date(1_700_000_000_900)
    expect(issue({ authTime: half }).claims.auth_time).toBe(1_700_000_000)
    expect(issue({}, visitorOf(), { authTime: 5 }).claims.auth_time).toBe(5)
    expect(issue({}, visitorOf(), { authTime: 0 }).claims.auth_time).toBe(0)
  })

  it('say how the session was opened, or another proof, where one is given', () => {
    expect(issue({ amr: ['swk', 'user', 'mfa'] }).claims.amr).toEqual(['swk', 'user', 'mfa'])
    const amr = ['pwd', 'otp', 'mfa']
    expect(issue({}, visitorOf(), { amr }).claims.amr).toEqual(amr)
    expect(issue({ amr }, visitorOf(), { amr: ['pwd'] }).claims.amr).toEqual(['pwd'])
  })

  it('carry the roles that want a second factor only with one, and say which they withhold', () => {
    const config = { ...parts().config, mfaRoles: ['admin', 'chief'] }
    const rolesOf = (amr: string[], proof?: Proof) => {
      const { roles, mfa_roles } = issue({ amr }, visitorOf(), proof, { ...parts(), config }).claims
      return [roles, mfa_roles]
    }
    const withheld = [['editor'], ['chief']]
    const all = [['editor', 'chief'], undefined]
    expect(rolesOf(['pwd'])).toEqual(withheld)
    expect(rolesOf([])).toEqual(withheld)
    expect(rolesOf(['pwd', 'otp', 'mfa'])).toEqual(all)
    expect(rolesOf(['pwd'], { amr: ['pwd', 'otp', 'mfa'] })).toEqual(all)
    expect(rolesOf(['pwd', 'otp', 'mfa'], { amr: ['pwd'] })).toEqual(withheld)
    // The row of the user is what it was.
    expect(source.user.roles).toEqual(['editor', 'chief'])
  })

  it('never outlive the session, whose end is the earlier of two', () => {
    const [soon, later] = [at(100.9), at(86_400)]
    expect(issue({ idleExpiresAt: soon, expiresAt: later })).toMatchObject({ expiresIn: 100 })
    expect(issue({ idleExpiresAt: later, expiresAt: soon })).toMatchObject({ expiresIn: 100 })
    const session = { idleExpiresAt: soon, expiresAt: later }
    expect(sessionEnd(session)).toBe(soon)
    expect(sessionEnd({ idleExpiresAt: later, expiresAt: soon })).toBe(soon)
    expect(sessionEnd({ idleExpiresAt: later, expiresAt: later })).toBe(later)
  })

  it('are bound as the visitor is, and not made where they can not be', () => {
    const bound = visitorOf({ newBinding: 'the binding' })
    expect(issue({}, bound).claims.cnf).toEqual({ binding: 'the binding' })
    expect(issue().claims).not.toHaveProperty('cnf')
    expect(() => issue({}, visitorOf(), {}, withBind('ip'))).toThrow(new Error(refusal))
    for (const bind of ['ip', 'cookie'] as const) {
      expect(() => checkBinding(withBind(bind), visitorOf())).toThrow(new Error(refusal))
      expect(() => checkBinding(withBind(bind), bound)).not.toThrow()
    }
    expect(() => checkBinding(withBind('none'), visitorOf())).not.toThrow()
  })

  it('have the app’s own claims of the user', () => {
    const app = { ...parts().app, claims: ({ email }: { email: string | null }) => ({ mail: email }) }
    expect(issue({}, visitorOf(), {}, { ...parts(), app } as Parts).claims.mail).toBe(ada.email)
  })
})

describe('a new session', () => {
  const storedSession = async (id: string) => {
    const [row] = await parts().db.select(sessionColumns).from(sessions).where(eq(sessions.id, id))
    return row
  }
  const open = async (options: Opening & { id?: string }, of: object = {}) => {
    const found = await readCredentials(parts().db, { id: ada.userId })
    if (found === undefined) throw new Error('There is no such user.')
    const checked = { ...found, ...of, user: { ...found.user, ...(of as { user?: object }).user } }
    const visitor = visitorOf({ ipAddress: '198.51.100.9', userAgent: 'a browser' })
    return {
      found,
      tokens: await transact(parts(), tx =>
        openSession(parts(), tx, visitor, checked, { ...options, event: { kind: 'login' } }),
      ),
    }
  }

  it('has the versions and the time of the row whose password was checked', async () => {
    await setUser(server, ada.userId, sql`session_version = 4`)
    const id = randomUUID()
    const { found, tokens } = await open(
      { cookie: true, id },
      { readAt: Math.floor(parts().clock.now()) - 3 + 0.25 },
    )
    expect(tokens.session.id).toBe(id)
    expect(tokens.session).toEqual(await storedSession(id))
    const row = await sessionRow(server, id)
    // A driver gives a bigint as text, and the embedded database as a number.
    expect({ ...row, epoch: Number(row?.epoch) }).toMatchObject({
      ...{ user_id: ada.userId, session_version: 4, generation: 1, cookie: true },
      ...{ epoch: found.epoch, user_agent: 'a browser', ip_address: '198.51.100.9' },
      ...{ ended_at: null, renewed_at: null },
    })
    expect(Math.abs(Number(row.idle_seconds) - 7200)).toBeLessThan(30)
    expect(Math.abs(Number(row.seconds) - 86_400)).toBeLessThan(30)
    const { iat, auth_time } = claimsOf(tokens.accessToken)
    expect(Number(row.rotated) % 1).toBe(0.25)
    expect([iat, auth_time]).toEqual([Math.floor(Number(row.rotated)), Math.floor(Number(row.rotated))])
  })

  it('notes by which factors it was opened, and when; by a password alone there are none', async () => {
    const factorIds = [randomUUID(), randomUUID()]
    const proved = { amr: ['hwk', 'mfa'], factorIds }
    const { tokens } = await open({ cookie: false, proved })
    expect(tokens.session).toMatchObject({ amr: ['hwk', 'mfa'], factorIds })
    expect(tokens.session.factorTime).toEqual(tokens.session.authTime)
    expect(tokens.session).toEqual(await storedSession(tokens.session.id))
    const plain = await open({ cookie: false })
    expect(plain.tokens.session).toMatchObject({ amr: ['pwd'], factorIds: [], factorTime: null })
  })

  it('has an id of its own, and no cookie unless it is asked for', async () => {
    const [one, other] = [await open({ cookie: false }), await open({ cookie: false })]
    expect(one.tokens.session.id).not.toBe(other.tokens.session.id)
    expect(await sessionRow(server, one.tokens.session.id)).toMatchObject({ cookie: false })
  })

  it('is refused where the user has got another id meanwhile, as a wrong password is', async () => {
    await expect(open({ cookie: false }, { user: { id: randomUUID() } })).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
    })
    // Any other failure is what it is.
    const again = open({ cookie: false, id: (await open({ cookie: false })).tokens.session.id })
    const failure = await again.catch(error => error)
    expect([failure instanceof Error, failure.code]).not.toEqual([true, 'INVALID_CREDENTIALS'])
    expect(String(failure.cause ?? failure)).toMatch(/duplicate key/)
  })
})
