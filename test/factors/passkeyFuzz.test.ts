import { describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { type Answer, openAuthenticator } from '../support/authenticator.ts'
import { postOperation } from '../support/client.ts'
import { beginPasskeyLogin, enrollPasskey, signUpWithPasskey } from '../support/passkeys.ts'
import { useServer } from '../support/server.ts'
import { useFixture } from '../support/useFixture.ts'

jest.setTimeout(300_000)

/*
 * An answer of a passkey is any JSON that a client sends. Whatever it is, it is refused as a wrong passkey, and nothing of
 * it breaks the server. The answers are made of honest ones, so that the changes reach every parser.
 */

const server = useServer()
const authenticator = openAuthenticator()
const account = useFixture(async () => ({
  ...(await signUpWithPasskey(server, authenticator)),
  close: async () => {},
}))
const newcomer = useFixture(async () => ({ ...(await server.signUp()), close: async () => {} }))

type Change = (answer: Answer) => unknown

const outer = (names: readonly string[]): fc.Arbitrary<Change> =>
  fc.tuple(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 })).map(([name, value]) => answer => ({
    ...answer,
    [name]: value,
  }))

const inner = (names: readonly string[]): fc.Arbitrary<Change> =>
  fc.tuple(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 })).map(([name, value]) => answer => ({
    ...answer,
    response: { ...answer.response, [name]: value },
  }))

/** Bytes of a member are flipped, cut off, repeated or put in between. */
const bytes = (names: readonly string[]): fc.Arbitrary<Change> =>
  fc
    .record({
      name: fc.constantFrom(...names),
      how: fc.constantFrom('flip', 'cut', 'insert', 'replace'),
      where: fc.double({ min: 0, max: 0.999, noNaN: true }),
      more: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    })
    .map(({ name, how, where, more }) => answer => {
      const before = Buffer.from(String(answer.response[name]), 'base64url')
      const at = Math.floor(where * before.length)
      const after = Buffer.from(before)
      if (how === 'flip') after.writeUInt8(after.readUInt8(at) ^ (more[0] || 1), at)
      const changed = {
        flip: after,
        cut: before.subarray(0, at),
        insert: Buffer.concat([before.subarray(0, at), more, before.subarray(at)]),
        replace: Buffer.from(more),
      }[how as 'flip']
      return { ...answer, response: { ...answer.response, [name]: changed.toString('base64url') } }
    })

const anything: fc.Arbitrary<Change> = fc.jsonValue({ maxDepth: 4 }).map(value => () => value)

/** The code and the reason of an answer, with the status. */
async function outcomeOf(query: string, variables: unknown, token?: string): Promise<unknown> {
  const response = await postOperation(server.url, query, { variables, token })
  const { errors } = (await response.json()) as { errors?: { extensions: Record<string, unknown> }[] }
  const { code, reason } = errors?.[0]?.extensions ?? {}
  return { status: response.status, code, reason }
}

/** `null` is no value of `JSON!`, which GraphQL itself says. */
const refusals = [
  { status: 200, code: 'BAD_USER_INPUT', reason: 'PASSKEY_INVALID' },
  { status: 400, code: 'BAD_USER_INPUT', reason: undefined },
]

/** A member that would change an object's prototype is refused by the server's reader of JSON, wherever it stands. */
function refusalsOf(answer: unknown): readonly object[] {
  let changesPrototype = false
  JSON.stringify(answer, (name, member) => {
    const isConstructor = name === 'constructor' && Object.hasOwn(Object(member), 'prototype')
    changesPrototype ||= name === '__proto__' || isConstructor
    return member
  })
  return changesPrototype ? [{ status: 400, code: 'BAD_REQUEST', reason: undefined }] : refusals
}

/** Whether the members that count of the client data are those of the honest answer. */
function saysTheSame(changed: unknown, honest: Answer): boolean {
  const read = (answer: unknown) => {
    try {
      const { response, ...around } = answer as Answer
      const { clientDataJSON, ...beside } = response
      const { type, challenge, origin, crossOrigin, topOrigin } = JSON.parse(
        Buffer.from(String(clientDataJSON), 'base64url').toString(),
      )
      return JSON.stringify([around, beside, type, challenge, origin, crossOrigin ?? false, topOrigin])
    } catch {
      return undefined
    }
  }
  return read(changed) === read(honest) && JSON.stringify(changed) !== JSON.stringify(honest)
}

describe('whatever a client sends in place of a passkey’s answer', () => {
  it('does not sign in, and breaks nothing', async () => {
    const query = 'mutation ($input: PasskeyLoginInput!) { passkeyLogin(input: $input) { accessToken } }'
    const members = ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle']
    const changes = fc.oneof(
      ...[anything, outer(['id', 'rawId', 'type', 'response']), inner(members)],
      // What is appended to a signature in DER, or spelled otherwise there, is the same signature.
      bytes(members.filter(name => name !== 'signature')),
    )
    const before = await server.rows(sql`select count(*) from annul.sessions`)
    await fc.assert(
      fc.asyncProperty(changes, async change => {
        const challenge = await beginPasskeyLogin(server)
        const response = change(authenticator.get(challenge, account.passkey) as Answer)
        const outcome = await outcomeOf(query, { input: { id: challenge.id, response } })
        expect(refusalsOf(response)).toContainEqual(outcome)
      }),
      { numRuns: 400 },
    )
    expect(await server.rows(sql`select count(*) from annul.sessions`)).toEqual(before)
  })

  it('adds no passkey, and breaks nothing', async () => {
    const query = `mutation ($id: ID!, $response: JSON!) {
      confirmPasskey(id: $id, response: $response) { factor { id } } }`
    const token = newcomer.accessToken
    const changes = fc.oneof(
      ...[anything, outer(['id', 'rawId', 'type', 'response'])],
      ...[inner(['clientDataJSON', 'attestationObject']), bytes(['clientDataJSON'])],
    )
    await fc.assert(
      fc.asyncProperty(changes, async change => {
        const challenge = await enrollPasskey(server, token)
        const honest = authenticator.create(challenge).answer as Answer
        const response = change(honest)
        // Nothing signs a new passkey's client data: what is not looked at may be changed.
        if (saysTheSame(response, honest)) return
        const outcome = await outcomeOf(query, { id: challenge.id, response }, token)
        expect(refusalsOf(response)).toContainEqual(outcome)
      }),
      { numRuns: 300 },
    )
    expect(await server.rows(sql`select 1 from annul.factors where user_id = ${newcomer.userId}`)).toEqual([])
  })

  it('never breaks a parser of attestations', async () => {
    const query = `mutation ($id: ID!, $response: JSON!) {
      confirmPasskey(id: $id, response: $response) { factor { id } } }`
    // A byte of an attestation that nothing depends on may change, such as one of the authenticator's model: then the
    // passkey is added, and the next one wants a proof.
    const outcomes = [...refusals, { status: 200, code: undefined, reason: undefined }]
    await fc.assert(
      fc.asyncProperty(bytes(['attestationObject']), async change => {
        const { session, accessToken: token } = newcomer
        const { passkeyChallenges, clock } = server.auth.parts
        await server.rows(sql`delete from annul.factors where user_id = ${newcomer.userId}`)
        const made = passkeyChallenges.make('webauthn.create', `session ${session.id}`, clock.now())
        const options = {
          ...{ challenge: Buffer.from(made.challenge).toString('base64url'), rp: { id: 'localhost' } },
          user: { id: 'AAAA' },
        }
        const response = change(authenticator.create({ id: made.id, options }).answer as Answer)
        expect(outcomes).toContainEqual(await outcomeOf(query, { id: made.id, response }, token))
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['lists in lists', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['objects in objects', `${'{"response":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['a member named __proto__', '{"__proto__":{"type":"public-key"},"id":"AAAA","rawId":"AAAA"}'],
    [
      'a response named __proto__',
      '{"id":"AAAA","rawId":"AAAA","type":"public-key","__proto__":{"response":{}}}',
    ],
  ])('refuses %s', async (_, json) => {
    const query = 'mutation ($input: PasskeyLoginInput!) { passkeyLogin(input: $input) { accessToken } }'
    const { id } = await beginPasskeyLogin(server)
    const sent = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"input":{"id":"${id}","response":${json}}}}`,
    })
    expect(sent.status).toBeLessThan(500)
    const { errors } = (await sent.json()) as { errors: { extensions: { code: string } }[] }
    expect(errors[0]?.extensions.code).not.toBe('INTERNAL_SERVER_ERROR')
  })
})
