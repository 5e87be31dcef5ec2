import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { ScureBase32Plugin } from 'otplib'
import { openTotp } from '../../src/factors/totp.ts'
import { must, refusal, refused } from '../support/answers.ts'
import type { Answer } from '../support/client.ts'
import {
  beginTotp,
  challengeOf,
  codeOf,
  completeLogin,
  confirmTotp,
  enrollTotp,
  freeCode,
  insertPasskey,
  listFactors,
  loginAnswer,
  loginWithFactor,
  signUpWithTotp,
  wrongCode,
} from '../support/factors.ts'
import { openForge } from '../support/forge.ts'
import { openFormerForge, openFormerSystem } from '../support/formerSystem.ts'
import { useServer } from '../support/server.ts'

const lines: string[] = []
const server = useServer({ env: { ANNUL_SITE_NAME: 'The Shop' }, onLogLine: line => lines.push(line) })

const enrolled = (token: string) => beginTotp(server, token)
/** A confirmation by any code. */
const confirm = (token: string, id: string, code: string) =>
  confirmTotp(server, token, { id, secret: '' }, code)

const badInput = (argument: string, reason: string) => refused({ code: 'BAD_USER_INPUT', argument, reason })
const reasonOf = ({ code, reason }: Answer<unknown>) => ({ code, reason })

const rowsOf = (userId: string) =>
  server.rows(sql`
    select (select jsonb_agg(f order by id) from annul.factors f where user_id = ${userId}) as factors,
      (select count(*)::int from annul.audit_events where user_id = ${userId}) as events`)

describe('the enrolment of an authenticator app', () => {
  it('counts from its first code on, and gives ten recovery codes with the first factor only', async () => {
    const account = await server.signUp()
    const { id, secret } = await enrolled(account.accessToken)
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(await listFactors(server, account.accessToken)).toEqual([])
    must(await loginAnswer(server, account))
    const { confirmTotp: first } = must(await confirm(account.accessToken, id, codeOf(secret)))
    expect(first).toEqual({
      factor: {
        ...{ id, kind: 'TOTP', name: null, codesLeft: null, lastUsedAt: null },
        createdAt: expect.any(String),
      },
      recoveryCodes: Array(10).fill(
        expect.stringMatching(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/),
      ),
    })
    expect((await loginAnswer(server, account)).code).toBe('SECOND_FACTOR_REQUIRED')
    // One's own sessions go on.
    expect((await server.send('{ me { id } }', { token: account.accessToken })).data).toBeTruthy()

    await freeCode(server, id)
    const { accessToken } = await loginWithFactor(server, { ...account, factorId: id, secret })
    const other = await enrolled(accessToken)
    const { confirmTotp: second } = must(await confirm(accessToken, other.id, codeOf(other.secret)))
    expect(second.recoveryCodes).toBeNull()
  })

  it('is not changed by a wrong code, and ends with a right one afterwards', async () => {
    const { accessToken, userId } = await server.signUp()
    const { id, secret } = await enrolled(accessToken)
    const before = await rowsOf(userId)
    for (const code of [
      wrongCode(secret),
      '',
      '12345',
      '1234567',
      '12345x',
      '１２３４５６',
      'x'.repeat(10_000),
    ])
      expect(refusal(await confirm(accessToken, id, code))).toEqual(badInput('code', 'CODE_INVALID'))
    expect(await rowsOf(userId)).toEqual(before)
    must(await confirm(accessToken, id, codeOf(secret).replace(/^.../, '$& ')))
  })

  it('uses the code up: no login takes it', async () => {
    const account = await server.signUp()
    const { id, secret } = await enrolled(account.accessToken)
    const totp = codeOf(secret)
    must(await confirm(account.accessToken, id, totp))
    const challenge = await challengeOf(server, account)
    expect(refusal(await completeLogin(server, challenge, { totp }))).toEqual(
      badInput('input.factor.totp', 'CODE_INVALID'),
    )
    // It is the use that makes the code wrong.
    await freeCode(server, id)
    must(await completeLogin(server, challenge, { totp }))
  })

  it('is refused after ten minutes, when another one was begun, when it has ended, and to others', async () => {
    const { accessToken, userId } = await server.signUp()
    const old = await enrolled(accessToken)
    const aged = (minutes: number) =>
      server.rows(sql`update annul.factors set created_at = now() - make_interval(mins => ${minutes}::int)
        where id = ${old.id}`)
    await aged(11)
    const invalid = badInput('id', 'ENROLLMENT_INVALID')
    expect(refusal(await confirm(accessToken, old.id, codeOf(old.secret)))).toEqual(invalid)
    await aged(9)
    const other = await server.signUp()
    expect(refusal(await confirm(other.accessToken, old.id, codeOf(old.secret)))).toEqual(invalid)
    const next = await enrolled(accessToken)
    expect(refusal(await confirm(accessToken, old.id, codeOf(old.secret)))).toEqual(invalid)
    must(await confirm(accessToken, next.id, codeOf(next.secret)))
    await freeCode(server, next.id)
    expect(refusal(await confirm(accessToken, next.id, codeOf(next.secret)))).toEqual(invalid)
    expect(
      await server.rows(sql`select id from annul.factors where user_id = ${userId} and kind = 'TOTP'`),
    ).toEqual([{ id: next.id }])
  })

  it('wants a recent proof, and a session', async () => {
    const account = await server.signUp()
    const { id, secret } = await enrolled(account.accessToken)
    const code = codeOf(secret)
    const old = openForge(server, account.accessToken).make({
      claims: { auth_time: Math.floor(server.auth.parts.clock.now()) - 310 },
    })
    const system = openFormerSystem('RS256')
    server.auth.accept(system.options)
    const former = openFormerForge(server, system, account.userId).make()
    const before = await rowsOf(account.userId)
    const operations = [
      'enrollTotp { id }',
      `confirmTotp(id: "${id}", code: "${code}") { recoveryCodes }`,
      `removeFactor(id: "${id}")`,
      'makeRecoveryCodes',
    ]
    for (const field of operations) {
      const answer = await server.send(`mutation { ${field} }`, { token: old })
      expect(refusal(answer)).toEqual(
        refused({ code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, recover: 'REAUTHENTICATE' }),
      )
    }
    const withoutSession = [
      ...operations.map(field => `mutation { ${field} }`),
      `mutation { renameFactor(id: "${id}", name: "x") { id } }`,
      `mutation { reauthenticateWith(input: { totp: "${code}" }) { expiresIn } }`,
      '{ factors { id } }',
    ]
    for (const query of withoutSession)
      expect((await server.send(query, { token: former })).errors?.[0]?.extensions).toMatchObject({
        ...{ code: 'REAUTHENTICATION_REQUIRED', recover: 'REAUTHENTICATE' },
      })
    expect(await rowsOf(account.userId)).toEqual(before)
  })

  it('of a 21st factor is refused', async () => {
    const account = await signUpWithTotp(server)
    const { accessToken } = await loginWithFactor(server, account)
    // With the app and the codes, 19.
    for (let count = 0; count < 17; count++) await insertPasskey(server, account.userId)
    await enrollTotp(server, accessToken)
    const { id, secret } = await enrolled(accessToken)
    const before = await rowsOf(account.userId)
    expect(refusal(await confirm(accessToken, id, codeOf(secret)))).toEqual(
      badInput('id', 'TOO_MANY_FACTORS'),
    )
    expect(await rowsOf(account.userId)).toEqual(before)
    expect(await listFactors(server, accessToken)).toHaveLength(20)
  })
})

describe('the secret of an authenticator app', () => {
  it('is nowhere but in the answer: not in a row, the log, the audit or an error', async () => {
    const account = await server.signUp()
    const { id, secret, uri } = await enrolled(account.accessToken)
    expect(uri).toContain(secret)
    const code = codeOf(secret)
    const failed = await confirm(account.accessToken, id, wrongCode(secret))
    const { confirmTotp: first } = must(await confirm(account.accessToken, id, code))
    await server.rows(sql`update annul.factors set last_step = null where id = ${id}`)
    // A secret that can't be opened is told without it.
    await server.rows(
      sql`update annul.factors set secret = set_byte(secret, 30, get_byte(secret, 30) # 1) where id = ${id}`,
    )
    const challenge = await challengeOf(server, account)
    const broken = await completeLogin(server, challenge, { totp: code })
    expect(reasonOf(broken)).toEqual({ code: 'BAD_USER_INPUT', reason: 'CODE_INVALID' })

    const bytes = Buffer.from(new ScureBase32Plugin().decode(secret))
    const dumped = await server.rows<{ row: string }>(sql`
      select to_jsonb(f)::text as row from annul.factors f union all
      select to_jsonb(c)::text from annul.recovery_codes c union all
      select to_jsonb(c)::text from annul.factor_challenges c union all
      select to_jsonb(a)::text from annul.audit_events a union all
      select to_jsonb(o)::text from annul.outbox o`)
    const told = [...dumped.map(({ row }) => row), ...lines, JSON.stringify([failed, broken])].join('\n')
    expect(told).toContain(id)
    const recoveryCodes = first.recoveryCodes ?? []
    expect(recoveryCodes).toHaveLength(10)
    const hidden = [
      ...[secret, bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url'), challenge],
      ...recoveryCodes.flatMap(text => [text, text.replaceAll('-', '')]),
    ]
    expect(hidden.filter(text => told.toLowerCase().includes(text.toLowerCase()))).toEqual([])
  })

  it('opens in the row that it was made for alone', async () => {
    const [one, other] = [await signUpWithTotp(server), await signUpWithTotp(server)]
    // Whoever can write to the database gives an account the app of another.
    await server.rows(sql`update annul.factors set secret =
      (select secret from annul.factors where id = ${one.factorId}) where id = ${other.factorId}`)
    const answer = await completeLogin(server, await challengeOf(server, other), { totp: codeOf(one.secret) })
    expect(answer.reason).toBe('CODE_INVALID')
  })
})

describe('the URI for the QR code', () => {
  it('names site and account', async () => {
    const { accessToken, email } = await server.signUp()
    const { uri, secret } = await enrolled(accessToken)
    expect(uri).toBe(
      `otpauth://totp/The%20Shop:${encodeURIComponent(email)}?secret=${secret}&issuer=The%20Shop`,
    )
  })

  it.each([
    ['A & B? #1', '"o\'&=?#%"@example.com'],
    ['Größe/日本', 'ü+tag@bücher.example'],
    ['50% off & more=1', 'a/b@example.com'],
  ])('is read as it was meant: %s, %s', (site, account) => {
    const { uri, secret } = openTotp(Buffer.alloc(32, 1), undefined, site).create('id', account)
    const { protocol, host, pathname, searchParams, hash } = new URL(uri)
    expect({ protocol, host, hash }).toEqual({ protocol: 'otpauth:', host: 'totp', hash: '' })
    expect(decodeURIComponent(pathname)).toBe(`/${site}:${account}`)
    expect(Object.fromEntries(searchParams)).toEqual({ secret, issuer: site })
  })

  it('has one colon in its label, between site and account', () => {
    const { uri } = openTotp(Buffer.alloc(32, 1), undefined, 'Shop: Tools').create('id', '"a:b"@example.com')
    const { pathname, searchParams } = new URL(uri)
    expect(decodeURIComponent(pathname)).toBe('/Shop Tools:"a b"@example.com')
    expect(searchParams.get('issuer')).toBe('Shop Tools')
  })
})
