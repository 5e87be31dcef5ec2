import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf, firefox, firefoxName, must, refusal, refused } from '../support/answers.ts'
import { deviceBound, flag, openAuthenticator, synced } from '../support/authenticator.ts'
import { onPostgres } from '../support/database.ts'
import { openAdmin } from '../support/devices.ts'
import { challengeOf, completeLogin, loginAnswer, reauthenticateWith } from '../support/factors.ts'
import { mailsTo } from '../support/outbox.ts'
import {
  beginAnswer,
  beginPasskey,
  beginPasskeyLogin,
  type PasskeyAccount,
  passkeyLogin,
  signUpWithPasskey,
} from '../support/passkeys.ts'
import { type TestServer, useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const server = useServer()
const second = useSecondNode(server)
const onlyPostgres = onPostgres ? it : it.skip

const invalid = (argument: string) => refused({ code: 'BAD_USER_INPUT', argument, reason: 'PASSKEY_INVALID' })
const factorOf = async (node: TestServer, { factorId }: Pick<PasskeyAccount, 'factorId'>) => {
  const [row] = await node.rows<{ counter: number }>(
    sql`select counter::int from annul.factors where id = ${factorId}`,
  )
  return row
}
const sessionOf = async (sessionId: string) => {
  const [row] = await server.rows<{ amr: string[]; factors: string[] }>(sql`
    select array_to_json(amr) as amr, array_to_json(factor_ids) as factors
    from annul.sessions where id = ${sessionId}`)
  return row
}

describe('a login with a passkey as the second factor', () => {
  it.each([
    ['that is synchronised', synced, 'swk'],
    ['that stays in its device', deviceBound, 'hwk'],
  ])('opens a session after the password and a passkey %s', async (_, flags, method) => {
    const account = await signUpWithPasskey(server, openAuthenticator({ flags }))
    const asked = await loginAnswer(server, account)
    expect(asked.errors?.[0]?.extensions).toMatchObject({
      ...{ code: 'SECOND_FACTOR_REQUIRED', methods: ['PASSKEY', 'RECOVERY_CODE'] },
    })
    const challenge = String(asked.errors?.[0]?.extensions.challenge)
    const begun = await beginPasskey(second, { challenge })
    expect(begun.options).toMatchObject({
      rpId: 'localhost',
      userVerification: 'preferred',
      timeout: 300_000,
      allowCredentials: [{ id: account.passkey.id, type: 'public-key', transports: ['internal', 'hybrid'] }],
    })
    const response = account.authenticator.get(begun, account.passkey, { flags: flags & ~flag.UV })
    const answer = await completeLogin(server, challenge, { passkey: { id: begun.id, response } })
    const tokens = must(answer).completeLogin
    const amr = ['pwd', method, 'user', 'mfa']
    expect(claimsOf(tokens.accessToken)).toMatchObject({ sub: account.userId, amr })
    expect(await sessionOf(tokens.session.id)).toEqual({ amr, factors: [account.factorId] })
  })

  it('takes a passkey for the login alone that it was asked for', async () => {
    const account = await signUpWithPasskey(server)
    const [mine, other] = [await challengeOf(server, account), await challengeOf(server, account)]
    const begun = await beginPasskey(server, { challenge: mine })
    const response = account.authenticator.get(begun, account.passkey)
    const passkey = { id: begun.id, response }
    const answer = await completeLogin(server, other, { passkey })
    expect(refusal(answer)).toEqual(invalid('input.factor.passkey'))
    must(await completeLogin(server, mine, { passkey }))
  })

  it('begins with a challenge that lives, and says no more of a dead one', async () => {
    const account = await signUpWithPasskey(server)
    const challenge = await challengeOf(server, account)
    const begun = await beginPasskey(server, { challenge })
    const response = account.authenticator.get(begun, account.passkey)
    must(await completeLogin(server, challenge, { passkey: { id: begun.id, response } }))
    for (const text of [challenge, 'A'.repeat(43), ''])
      expect(refusal(await beginAnswer(server, { challenge: text }))).toEqual(
        refused({ code: 'BAD_USER_INPUT', argument: 'challenge', reason: 'CHALLENGE_INVALID' }),
      )
  })

  it('begins without a challenge in a session alone', async () => {
    expect(refusal(await beginAnswer(server, {}))).toEqual(
      refused({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }, 401),
    )
  })
})

describe('reauthenticateWith a passkey', () => {
  it('proves who the user is for one access token, and notes the passkey in the session', async () => {
    const account = await signUpWithPasskey(server)
    const { accessToken, session, refreshToken } = account.tokens
    const begun = await beginPasskey(server, { token: accessToken })
    const response = account.authenticator.get(begun, account.passkey)
    const answer = await reauthenticateWith(second, accessToken, { passkey: { id: begun.id, response } })
    const tokens = must(answer).reauthenticateWith
    expect(claimsOf(tokens.accessToken)).toMatchObject({ amr: ['pwd', 'swk', 'user', 'mfa'] })
    expect(tokens.refreshToken).toBe(refreshToken)
    expect(await sessionOf(session.id)).toEqual({ amr: ['pwd'], factors: [account.factorId] })
    const again = await reauthenticateWith(server, accessToken, { passkey: { id: begun.id, response } })
    expect(refusal(again)).toEqual(invalid('input.passkey'))
  })
})

describe('passkeyLogin', () => {
  const signIn = async (account: PasskeyAccount, headers: Record<string, string> = {}) => {
    const begun = await beginPasskeyLogin(server)
    const response = account.authenticator.get(begun, account.passkey)
    return passkeyLogin(server, begun.id, response, { headers })
  }

  it('asks everybody for the same, and writes nothing for it', async () => {
    const written = () =>
      server.rows(sql`select (select count(*)::int from annul.spent_challenges) as spent,
        (select count(*)::int from annul.factor_challenges) as challenges`)
    const before = await written()
    const { id, options } = await beginPasskeyLogin(server)
    expect(id).toMatch(/^[\w-]{27}$/)
    expect(options).toEqual({
      rpId: 'localhost',
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      allowCredentials: [],
      timeout: 300_000,
      userVerification: 'required',
    })
    expect(await written()).toEqual(before)
  })

  it('opens a session with both factors at once, and without an e-mail', async () => {
    const account = await signUpWithPasskey(server)
    const tokens = must(await signIn(account)).passkeyLogin
    const amr = ['swk', 'user', 'mfa']
    expect(claimsOf(tokens.accessToken)).toMatchObject({ sub: account.userId, amr })
    expect(await sessionOf(tokens.session.id)).toEqual({ amr, factors: [account.factorId] })
    const refreshed = must(await server.refresh(tokens.refreshToken)).refresh
    expect(claimsOf(refreshed.accessToken)).toMatchObject({ amr })
  })

  it('leaves an event, and tells the owner of a new device', async () => {
    const account = await signUpWithPasskey(server)
    const tokens = must(await signIn(account, { 'user-agent': firefox })).passkeyLogin
    const events = await server.rows(sql`
      select kind, actor_id, session_id, device, detail from annul.audit_events
      where user_id = ${account.userId} order by id desc limit 1`)
    expect(events).toEqual([
      {
        ...{ kind: 'login', actor_id: account.userId, session_id: tokens.session.id },
        ...{ device: firefoxName, detail: 'by a passkey' },
      },
    ])
    const kinds = (await mailsTo(server, account.email)).map(({ kind }) => kind)
    expect(kinds.filter(kind => kind === 'new-device')).toHaveLength(1)
  })

  it('remembers the device, and sets the refresh token as a cookie where it is asked to', async () => {
    const account = await signUpWithPasskey(server)
    const begun = await beginPasskeyLogin(server)
    const response = account.authenticator.get(begun, account.passkey)
    const answer = await server.send<{ passkeyLogin: { refreshToken: null; session: { id: string } } }>(
      `mutation ($input: PasskeyLoginInput!) { passkeyLogin(input: $input) { refreshToken session { id } } }`,
      {
        variables: { input: { id: begun.id, response, cookie: true } },
        headers: { origin: server.url, 'user-agent': firefox },
      },
    )
    expect(must(answer).passkeyLogin.refreshToken).toBeNull()
    expect(answer.headers.get('set-cookie')).toContain('__Host-annul-refresh=annul_rt_')
  })

  it.each([
    ['that counts', true],
    ['that has no counter', false],
  ])(
    'takes an answer of a passkey %s once: of 50 at once on two nodes, one opens a session',
    async (_, counts) => {
      const account = await signUpWithPasskey(server, openAuthenticator({ counts }))
      const begun = await beginPasskeyLogin(server)
      const response = account.authenticator.get(begun, account.passkey)
      const nodes = [server, second]
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, at) => passkeyLogin(nodes[at % 2] ?? server, begun.id, response)),
      )
      expect(answers.filter(({ data }) => data?.passkeyLogin).length).toBe(1)
      const others = answers.filter(({ data }) => !data?.passkeyLogin)
      for (const answer of others) expect(refusal(answer)).toEqual(invalid('input.response'))
      const sessions = await server.rows(sql`select 1 from annul.sessions where user_id = ${account.userId}`)
      expect(sessions).toHaveLength(2)
      // A request that is sent again is no copy of the passkey.
      expect(refusal(await passkeyLogin(second, begun.id, response))).toEqual(invalid('input.response'))
      expect(await clonesOf(account)).toEqual([])
    },
  )

  it('says the same of a blocked user, of a deleted one and of a passkey that is gone', async () => {
    const admin = await openAdmin(server)
    const blocked = await signUpWithPasskey(server)
    const gone = await signUpWithPasskey(server)
    const deleted = await signUpWithPasskey(server)
    await server.send(`mutation { blockUser(id: "${blocked.userId}") { id } }`, { token: admin.accessToken })
    await server.send(`mutation { deleteUser(id: "${deleted.userId}") }`, { token: admin.accessToken })
    await server.rows(sql`delete from annul.factors where id = ${gone.factorId}`)
    for (const account of [blocked, deleted, gone])
      expect(refusal(await signIn(account))).toEqual(invalid('input.response'))
    const events = await server.rows(sql`
      select kind, detail from annul.audit_events where user_id = ${blocked.userId} order by id desc limit 1`)
    expect(events).toEqual([{ kind: 'login-failed', detail: 'blocked user' }])
  })

  onlyPostgres('does not open a session where the passkey is removed while it is checked', async () => {
    const account = await signUpWithPasskey(server)
    const begun = await beginPasskeyLogin(server)
    const response = account.authenticator.get(begun, account.passkey)
    const { db } = server.auth.parts
    const signingIn = await db.transaction(async tx => {
      // The row is read by others as it was, and can't be changed by them until the end.
      await tx.execute(sql`delete from annul.factors where id = ${account.factorId}`)
      const answer = passkeyLogin(server, begun.id, response)
      const waits = sql`select 1 from pg_stat_activity
        where wait_event_type = 'Lock' and query like 'update "annul"."factors"%'`
      await until(
        () => server.rows(waits),
        ({ length }) => length > 0,
      )
      return { answer }
    })
    expect(refusal(await signingIn.answer)).toEqual(invalid('input.response'))
    const spent = await server.rows(sql`select 1 from annul.spent_challenges where id = ${begun.id}`)
    expect(spent).toEqual([])
  })
})

const clonesOf = (account: PasskeyAccount) =>
  server.rows(sql`select user_id, detail from annul.audit_events
    where user_id = ${account.userId} and kind = 'passkey-cloned' order by id`)
const warningsOf = async ({ email }: PasskeyAccount) =>
  (await mailsTo(server, email)).filter(({ kind }) => kind === 'passkey-cloned')

describe('the signature counter (7.2, step 22)', () => {
  const answerWith = async (account: PasskeyAccount, counter: number, wrong = false) => {
    const begun = await beginPasskeyLogin(server)
    const response = account.authenticator.get(begun, account.passkey, {
      counter,
      ...(wrong && { signature: () => Buffer.from('3006020101020101', 'hex') }),
    })
    return passkeyLogin(server, begun.id, response)
  }

  it.each([
    ['lower', 4],
    ['the same', 5],
    ['none any more', 0],
  ])('refuses a counter that is %s, and tells of it', async (_, counter) => {
    const account = await signUpWithPasskey(server, openAuthenticator(), { counter: 5 })
    expect(refusal(await answerWith(account, counter))).toEqual(invalid('input.response'))
    expect(await clonesOf(account)).toEqual([
      { user_id: account.userId, detail: `the counter was 5, and ${counter} was sent` },
    ])
    expect(await warningsOf(account)).toHaveLength(1)
    expect(await factorOf(server, account)).toEqual({ counter: 5 })
    // The one that counts on signs in.
    must(await answerWith(account, 6))
  })

  it('is not told by an answer whose signature is wrong', async () => {
    const account = await signUpWithPasskey(server, openAuthenticator(), { counter: 5 })
    expect(refusal(await answerWith(account, 1, true))).toEqual(invalid('input.response'))
    expect(await clonesOf(account)).toEqual([])
    expect(await warningsOf(account)).toEqual([])
  })

  it('does not rise in authenticators that have none', async () => {
    const account = await signUpWithPasskey(server, openAuthenticator({ counts: false }))
    must(await answerWith(account, 0))
    must(await answerWith(account, 0))
    expect(await clonesOf(account)).toEqual([])
    // Once there is a counter, it stays.
    must(await answerWith(account, 3))
    expect(refusal(await answerWith(account, 0))).toEqual(invalid('input.response'))
  })

  it('lets one of two answers in whose counters are the same, and both whose counters rise', async () => {
    const account = await signUpWithPasskey(server, openAuthenticator(), { counter: 5 })
    const at = async (counter: number) => {
      const begun = await beginPasskeyLogin(server)
      return { id: begun.id, response: account.authenticator.get(begun, account.passkey, { counter }) }
    }
    const equal = await Promise.all(Array.from({ length: 10 }, () => at(9)))
    const nodes = [server, second]
    const answers = await Promise.all(
      equal.map(({ id, response }, index) => passkeyLogin(nodes[index % 2] ?? server, id, response)),
    )
    expect(answers.filter(({ data }) => data?.passkeyLogin).length).toBe(1)
    expect(await factorOf(server, account)).toEqual({ counter: 9 })
  })
})
