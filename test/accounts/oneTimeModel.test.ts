import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import type { Account } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'

/*
 * One-time tokens against a model: whatever is asked for, sent, mistyped, changed and waited for, in whatever order, the
 * server takes the tokens that the model takes, and its rows are the model's.
 */

const server = useServer()

type Purpose = 'verify-email' | 'change-email' | 'reset-password' | 'restore-email'
type Verb = 'verifyEmail' | 'resetPassword' | 'restoreEmail'
const takes: Record<Verb, readonly Purpose[]> = {
  verifyEmail: ['verify-email', 'change-email'],
  resetPassword: ['reset-password'],
  restoreEmail: ['restore-email'],
}

interface Token {
  readonly id: string
  readonly purpose: Purpose
  /** The device that asked; null: no code. */
  readonly device: number | null
  readonly email: string
  ended: boolean
  tries: number
  /** Minutes that are left. */
  left: number
}

interface World {
  readonly tokens: Token[]
  email: string
  verified: boolean
}

type Step =
  | { readonly do: 'requestPasswordReset' | 'requestEmailVerification'; readonly device: number }
  | { readonly do: 'changeEmail'; readonly device: number; readonly to: number }
  | { readonly do: 'useLink'; readonly token: number; readonly verb: Verb }
  | { readonly do: 'useCode'; readonly token: number; readonly verb: Verb; readonly device: number }
  | { readonly do: 'mistype'; readonly verb: Verb; readonly device: number; readonly times: number }
  | { readonly do: 'wait'; readonly minutes: number }

const verb = fc.constantFrom<Verb>('verifyEmail', 'resetPassword', 'resetPassword', 'restoreEmail')
const device = fc.nat({ max: 1 })
const token = fc.nat({ max: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('requestPasswordReset' as const), device }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('requestEmailVerification' as const), device }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('changeEmail' as const), device, to: fc.nat({ max: 2 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('useLink' as const), token, verb }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('useCode' as const), token, verb, device }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('mistype' as const),
      verb,
      device,
      times: fc.constantFrom(1, 4, 5),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.constantFrom(10, 31, 73 * 60) }),
  },
)

const isLive = (token: Token) => !token.ended && token.left > 0
const lifeOf = (purpose: Purpose) => (purpose === 'restore-email' ? 72 * 60 : 30)

/** A token that is made ends those that it takes the place of. */
function make(world: World, id: string, purpose: Purpose, device: number | null, email: string): void {
  for (const other of world.tokens)
    if (other.purpose === purpose && (purpose !== 'restore-email' || other.email === email) && isLive(other))
      other.ended = true
  world.tokens.push({ id, purpose, device, email, ended: false, tries: 0, left: lifeOf(purpose) })
}

/** What the password's or the e-mail's change ends. */
function endUsual(world: World): void {
  for (const token of world.tokens) if (token.purpose !== 'restore-email' && isLive(token)) token.ended = true
}

/** What a token does, when it is taken. @returns whether the way back is to be made */
function spend(world: World, token: Token): void {
  switch (token.purpose) {
    case 'verify-email':
      token.ended = true
      world.verified = true
      return
    case 'reset-password':
      endUsual(world)
      world.verified = true
      return
    case 'change-email':
      endUsual(world)
      world.email = token.email
      world.verified = true
      return
    case 'restore-email':
      endUsual(world)
      // Those that were made at the same time or later.
      for (const other of world.tokens.slice(world.tokens.indexOf(token)))
        if (isLive(other)) other.ended = true
      world.email = token.email
      world.verified = true
  }
}

describe('one-time tokens', () => {
  // Each run signs up a user of its own. The embedded database is slower.
  it('are taken, refused, counted and ended as by the model (ASVS 5.0 6.5.5)', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), run), {
      numRuns: onPostgres ? 60 : 15,
      endOnFailure: true,
    })
  }, 180_000)
})

async function run(steps: readonly Step[]): Promise<void> {
  const account = await server.signUp()
  const { deviceTokens } = server.auth.parts
  const devices = [deviceTokens.create(), deviceTokens.create()].map(each => deviceTokens.write(each))
  const addresses = [account.email, `1-${account.email}`, `2-${account.email}`]
  const world: World = { tokens: [], email: account.email, verified: false }
  const user = openUser(account)
  for (const each of steps)
    for (let rest = timesOf(each); rest > 0; rest--) await take(each, { world, user, devices, addresses })
}

const timesOf = (each: Step) => ('times' in each ? each.times : 1)

interface Play {
  readonly world: World
  readonly user: ReturnType<typeof openUser>
  readonly devices: readonly string[]
  readonly addresses: readonly string[]
}

async function take(each: Step, play: Play): Promise<void> {
  const { world, user, devices, addresses } = play
  const seen = { step: each, tokens: structuredClone(world.tokens) }
  let answer: unknown
  let expected: unknown
  switch (each.do) {
    case 'requestPasswordReset': {
      answer = await user.ask(each.do, world.email, devices[each.device])
      expected = true
      make(world, await user.newest(), 'reset-password', each.device, world.email)
      break
    }
    case 'requestEmailVerification': {
      answer = await user.ask(each.do, '', devices[each.device])
      expected = !world.verified
      if (!world.verified) make(world, await user.newest(), 'verify-email', each.device, world.email)
      break
    }
    case 'changeEmail': {
      const to = addresses[each.to] ?? ''
      answer = await user.ask(each.do, to, devices[each.device])
      expected = world.email
      make(world, await user.newest(), 'change-email', each.device, to)
      break
    }
    case 'wait': {
      await server.rows(sql`
        update annul.one_time_tokens set created_at = created_at - make_interval(mins => ${each.minutes}),
          expires_at = expires_at - make_interval(mins => ${each.minutes}) where user_id = ${user.id}`)
      for (const token of world.tokens) token.left -= each.minutes
      break
    }
    default: {
      const used = 'token' in each ? world.tokens[each.token % Math.max(1, world.tokens.length)] : undefined
      if (each.do !== 'mistype' && used === undefined) return
      const text = textOf(each, used)
      const by = 'device' in each ? each.device : undefined
      answer = await user.use(each.verb, text, by === undefined ? undefined : devices[by])
      const accepted = world.tokens.filter(token => isLive(token) && takes[each.verb].includes(token.purpose))
      const candidates = accepted.filter(token => token.device === by && token.tries < 5)
      const found =
        each.do === 'useLink'
          ? accepted.find(token => token === used)
          : candidates.find(token => each.do === 'useCode' && token === used)
      if (found === undefined && each.do !== 'useLink') for (const token of candidates) token.tries++
      expected = found === undefined ? (each.do === 'useLink' ? 'TOKEN_INVALID' : 'CODE_INVALID') : true
      const former = world.email
      if (found !== undefined) {
        spend(world, found)
        if (found.purpose === 'change-email') make(world, await user.newest(), 'restore-email', null, former)
      }
    }
  }
  expect({ ...seen, answer, rows: await user.rows() }).toEqual({
    ...seen,
    answer: expected,
    rows: {
      email: world.email,
      verified: world.verified,
      tokens: world.tokens.map(({ id, purpose, ended, tries }) => ({ id, purpose, ended, tries })),
    },
  })
}

function textOf(each: Step, used: Token | undefined): string {
  const { oneTimeTokens } = server.auth.parts
  if (each.do === 'useLink') return oneTimeTokens.derive(used?.id ?? '')
  if (each.do === 'useCode') return oneTimeTokens.code(used?.id ?? '').toLowerCase()
  // A code of nobody: no token has this id.
  return oneTimeTokens.code('00000000-0000-4000-8000-000000000000')
}

/** The user, over HTTP. A session that ended is opened anew, because what is asked for here is not about sessions. */
function openUser({ userId: id, email, password, accessToken }: Account & { accessToken: string }) {
  let signedIn: { token: string } | undefined = { token: accessToken }
  let present = { email, password }
  let passwords = 0
  const tokenOf = async () => {
    if (signedIn === undefined) {
      const [row] = await server.rows<{ email: string }>(sql`select email from annul.users where id = ${id}`)
      signedIn = { token: (await server.login({ ...present, email: row?.email ?? '' })).accessToken }
    }
    return signedIn.token
  }
  const headersOf = (device: string | undefined) => (device === undefined ? {} : { 'annul-device': device })
  return {
    id,
    async ask(field: string, address: string, device: string | undefined): Promise<unknown> {
      const call = {
        requestPasswordReset: 'requestPasswordReset(email: $email)',
        requestEmailVerification: 'requestEmailVerification',
        changeEmail: 'changeEmail(input: { email: $email }) { email }',
      }[field]
      const uses = call?.includes('$email') ? '($email: String!)' : ''
      const token = field === 'requestPasswordReset' ? undefined : await tokenOf()
      const { data, errors } = await server.send<Record<string, unknown>>(`mutation ${uses} { ${call} }`, {
        variables: { email: address },
        headers: headersOf(device),
        ...(token !== undefined && { token }),
      })
      const value = data?.[field]
      return errors ?? (field === 'changeEmail' ? Object(value).email : value)
    },
    async use(verb: Verb, text: string, device: string | undefined): Promise<unknown> {
      const newPassword = `another password ${++passwords}`
      const query =
        verb === 'resetPassword'
          ? 'mutation ($token: String!, $newPassword: String!) { resetPassword(input: { token: $token, newPassword: $newPassword }) { accessToken } }'
          : `mutation ($token: String!) { ${verb}(token: $token) }`
      const variables = { token: text, ...(verb === 'resetPassword' && { newPassword }) }
      const { data, reason } = await server.send(query, { variables, headers: headersOf(device) })
      if (!data) return reason
      if (verb !== 'verifyEmail') signedIn = undefined
      if (verb === 'resetPassword') present = { ...present, password: newPassword }
      return true
    },
    async newest(): Promise<string> {
      const [row] = await server.rows<{ id: string }>(sql`
        select id from annul.one_time_tokens where user_id = ${id} order by created_at desc limit 1`)
      return row?.id ?? ''
    },
    async rows() {
      const [row] = await server.rows<{ email: string; verified: boolean; tokens: unknown }>(sql`
        select email, email_verified as verified, coalesce((
          select jsonb_agg(jsonb_build_object('id', id, 'purpose', purpose, 'ended', ended_at is not null, 'tries', code_tries)
            order by expires_at - case purpose when 'restore-email' then interval '72 hours' else interval '30 minutes' end)
          from annul.one_time_tokens t where t.user_id = u.id), '[]') as tokens
        from annul.users u where id = ${id}`)
      return row
    },
  }
}
