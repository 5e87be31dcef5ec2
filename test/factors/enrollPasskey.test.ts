import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf, listSessions, must, refusal, refused } from '../support/answers.ts'
import { openAuthenticator } from '../support/authenticator.ts'
import { reauthenticateWith } from '../support/factors.ts'
import { mailsTo } from '../support/outbox.ts'
import {
  addPasskey,
  beginPasskey,
  confirmPasskey,
  enrollPasskey,
  type PasskeyAccount,
  signUpWithPasskey,
} from '../support/passkeys.ts'
import { useSecondNode, useServer } from '../support/server.ts'

const server = useServer({ env: { ANNUL_SITE_NAME: 'The Shop' } })
const second = useSecondNode(server)

const invalid = refused({ code: 'BAD_USER_INPUT', argument: 'response', reason: 'PASSKEY_INVALID' })
const mfaWanted = refused({
  ...{ code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, mfa: true, recover: 'REAUTHENTICATE' },
})

/** An access token with a second factor, of the session that has enrolled the passkey. */
async function proved(account: PasskeyAccount): Promise<string> {
  const token = account.tokens.accessToken
  const begun = await beginPasskey(server, { token })
  const response = account.authenticator.get(begun, account.passkey)
  const answer = await reauthenticateWith(server, token, { passkey: { id: begun.id, response } })
  return must(answer).reauthenticateWith.accessToken
}

describe('enrollPasskey', () => {
  it('gives options that tell an authenticator no e-mail but to show it', async () => {
    const account = await signUpWithPasskey(server)
    const { id, options } = await enrollPasskey(server, await proved(account))
    expect(id).toMatch(/^[\w-]{27}$/)
    expect(options).toEqual({
      rp: { id: 'localhost', name: 'The Shop' },
      user: {
        id: Buffer.from(account.userId.replaceAll('-', ''), 'hex').toString('base64url'),
        name: account.email,
        displayName: account.email,
      },
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      pubKeyCredParams: [-7, -8, -257].map(alg => ({ alg, type: 'public-key' })),
      timeout: 300_000,
      attestation: 'none',
      excludeCredentials: [
        { id: account.passkey.id, type: 'public-key', transports: ['internal', 'hybrid'] },
      ],
      authenticatorSelection: {
        residentKey: 'preferred',
        requireResidentKey: false,
        userVerification: 'preferred',
      },
      extensions: { credProps: true },
      hints: [],
    })
  })

  it('wants a recent proof, and a factor where there is one', async () => {
    const account = await signUpWithPasskey(server)
    const begin = (token?: string) =>
      server.send('mutation { enrollPasskey { id options } }', token === undefined ? {} : { token })
    expect(refusal(await begin(account.tokens.accessToken))).toEqual(mfaWanted)
    expect(refusal(await begin())).toEqual(
      refused({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }, 401),
    )
    await server.rows(sql`update annul.sessions set auth_time = now() - interval '6 minutes'
      where user_id = ${account.userId}`)
    const { accessToken } = must(await server.refresh(account.tokens.refreshToken)).refresh
    expect((await begin(accessToken)).code).toBe('REAUTHENTICATION_REQUIRED')
  })
})

describe('confirmPasskey', () => {
  it('gives recovery codes with the first factor alone, tells of each, and ends no session', async () => {
    const account = await server.signUp()
    const other = await server.login(account)
    const authenticator = openAuthenticator()
    const first = await addPasskey(server, account.accessToken, authenticator)
    expect(first.recoveryCodes).toHaveLength(10)
    const token = await proved({ ...account, tokens: account, authenticator, ...first })
    const next = await addPasskey(second, token, openAuthenticator())
    expect(next.recoveryCodes).toEqual([])

    expect(await listSessions(server, other.accessToken)).toHaveLength(2)
    const events = await server.rows(sql`
      select kind, actor_id, session_id, detail from annul.audit_events
      where user_id = ${account.userId} and kind = 'add-factor'`)
    const event = { kind: 'add-factor', actor_id: account.userId, session_id: account.session.id }
    expect(events).toEqual([
      { ...event, detail: 'PASSKEY' },
      { ...event, detail: 'PASSKEY' },
    ])
    const kinds = (await mailsTo(server, account.email)).map(({ kind }) => kind)
    expect(kinds.filter(kind => kind === 'factors-changed')).toHaveLength(2)
  })

  it('counts only what was confirmed', async () => {
    const account = await server.signUp()
    await enrollPasskey(server, account.accessToken)
    expect(await server.rows(sql`select 1 from annul.factors where user_id = ${account.userId}`)).toEqual([])
    expect(claimsOf((await server.login(account)).accessToken)).toMatchObject({ amr: ['pwd'] })
  })

  it('wants a factor where one came between, though the enrolment began without', async () => {
    const account = await server.signUp()
    const challenge = await enrollPasskey(server, account.accessToken)
    await addPasskey(server, account.accessToken, openAuthenticator())
    const { answer } = openAuthenticator().create(challenge)
    expect(refusal(await confirmPasskey(server, account.accessToken, challenge.id, answer))).toEqual(
      mfaWanted,
    )
  })

  it('keeps a name of at most 100 characters', async () => {
    const { accessToken: token } = await server.signUp()
    const confirm = async (name: string) => {
      const challenge = await enrollPasskey(server, token)
      return confirmPasskey(server, token, challenge.id, openAuthenticator().create(challenge).answer, name)
    }
    const refusedName = (reason: string) => refused({ code: 'BAD_USER_INPUT', argument: 'name', reason })
    expect(refusal(await confirm('x'.repeat(101)))).toEqual(refusedName('TEXT_TOO_LONG'))
    expect(refusal(await confirm('a\u0007bell'))).toEqual(refusedName('TEXT_CHARACTERS'))
    expect(must(await confirm('  My phone ')).confirmPasskey.factor.name).toBe('My phone')
  })

  it('takes an answer once: of 50 at once on two nodes, one adds the passkey', async () => {
    const account = await signUpWithPasskey(server)
    const token = await proved(account)
    const challenge = await enrollPasskey(server, token)
    const { answer } = openAuthenticator().create(challenge)
    const nodes = [server, second]
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        confirmPasskey(nodes[at % 2] ?? server, token, challenge.id, answer),
      ),
    )
    expect(answers.filter(({ data }) => data?.confirmPasskey).length).toBe(1)
    for (const each of answers) if (!each.data?.confirmPasskey) expect(refusal(each)).toEqual(invalid)
    // Not even with another passkey.
    const another = openAuthenticator().create(challenge).answer
    expect(refusal(await confirmPasskey(server, token, challenge.id, another))).toEqual(invalid)
  })

  it('does not show a client why a passkey is refused', async () => {
    const { accessToken: token } = await server.signUp()
    const challenge = await enrollPasskey(server, token)
    const { answer } = openAuthenticator().create(challenge, { rpId: 'evil.example' })
    const { errors } = await confirmPasskey(server, token, challenge.id, answer)
    expect(errors).toEqual([
      {
        message:
          'This passkey could not be verified, or its challenge was used already or has expired. Please try again.',
        locations: expect.anything(),
        path: ['confirmPasskey'],
        extensions: { code: 'BAD_USER_INPUT', argument: 'response', reason: 'PASSKEY_INVALID' },
      },
    ])
  })
})
