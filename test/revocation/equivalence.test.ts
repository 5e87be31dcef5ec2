import { beforeAll, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { openStrictReader, type StrictReader } from '../../src/decisions/strictReader.ts'
import type { AccessClaims } from '../../src/tokens/accessClaims.ts'
import type { TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { makeAdmin, type TestServer, useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useVerifier, verdictOf } from '../support/verifier.ts'

/*
 * Memory and the rows are written by the same verbs and read by different code: for every history, the view of each
 * node, and that of a verifier, says of every token that was ever issued what the strict path says, reason included.
 */

const users = 3
const tokenFields = 'accessToken refreshToken expiresIn session { id expiresAt } user { id }'

const first = useServer()
const nodes = onPostgres ? [first, useSecondNode(first)] : [first]
const verifier = useVerifier(() => nodes)
let strict: StrictReader
beforeAll(async () => {
  strict = openStrictReader(first.auth.parts.decisions, first.auth.parts.clock)
  await Promise.all(nodes.map(node => node.auth.parts.revocation.start()))
})

interface Person {
  readonly userId: string
  readonly email: string
  readonly password: string
  /** What its devices hold, the newest tokens of each last. */
  readonly held: TokensAnswer[]
}

/** People, and every token that was ever issued to them. */
class World {
  readonly people: Person[] = []
  admin: Person = { userId: '', email: '', password: '', held: [] }
  readonly issued: AccessClaims[] = []
  readonly texts: string[] = []

  take(person: Person, tokens: TokensAnswer | undefined): void {
    if (!tokens) return
    person.held.push(tokens)
    const claims = this.node(0).auth.parts.accessTokens.verify(tokens.accessToken)
    if (typeof claims === 'string') throw new Error(`A token was issued that is refused: ${claims}.`)
    this.issued.push(claims)
    this.texts.push(tokens.accessToken)
  }

  node(index: number): TestServer {
    const node = nodes[index % nodes.length]
    if (node === undefined) throw new Error('There is no node.')
    return node
  }
}

interface Step {
  readonly verb: keyof typeof verbs
  readonly node: number
  readonly person: number
  /** Which of its tokens, counted from the newest. */
  readonly token: number
}

interface Turn {
  readonly world: World
  readonly node: TestServer
  readonly person: Person
  readonly tokens: TokensAnswer
}

type Verb = (turn: Turn) => Promise<unknown>

/** Whether a verb succeeds does not matter here: dead tokens are used as much as live ones. */
const verbs = {
  login: async ({ world, node, person }) => {
    world.take(person, await node.login(person).catch(() => undefined))
  },
  refresh: async ({ world, node, person, tokens }) => {
    world.take(person, (await node.refresh(tokens.refreshToken)).data?.refresh)
  },
  logout: ({ node, tokens }) => node.send('mutation { logout }', { token: tokens.accessToken }),
  logoutByRefreshToken: ({ node, tokens: { refreshToken } }) =>
    node.send('mutation ($refreshToken: String) { logout(refreshToken: $refreshToken) }', {
      variables: { refreshToken },
    }),
  revokeSession: ({ node, person, tokens }) =>
    node.send('mutation ($id: ID!) { revokeSession(id: $id) }', {
      variables: { id: person.held[0]?.session.id },
      token: tokens.accessToken,
    }),
  revokeSessions: ({ node, tokens }) =>
    node.send('mutation { revokeSessions }', { token: tokens.accessToken }),
  revokeOtherSessions: async ({ world, node, person, tokens }) => {
    const { data } = await node.send<{ revokeOtherSessions: TokensAnswer }>(
      `mutation { revokeOtherSessions { ${tokenFields} } }`,
      { token: tokens.accessToken },
    )
    world.take(person, data?.revokeOtherSessions)
  },
  changePassword: async ({ world, node, person, tokens }) => {
    const { data } = await node.send<{ changePassword: TokensAnswer }>(
      `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { ${tokenFields} } }`,
      {
        variables: { input: { currentPassword: person.password, newPassword: person.password } },
        token: tokens.accessToken,
      },
    )
    world.take(person, data?.changePassword)
  },
  blockUser: byAdmin('blockUser(id: $id) { id }'),
  unblockUser: byAdmin('unblockUser(id: $id) { id }'),
  setUserAccess: byAdmin('setUserAccess(id: $id, roles: ["editor"]) { id }'),
  revokeUserSessions: byAdmin('revokeUserSessions(id: $id) { id }'),
  deleteUser: byAdmin('deleteUser(id: $id)'),
  revokeEverything: byAdmin('revokeEverything', ''),
} as const satisfies Record<string, Verb>

function byAdmin(field: string, parameters = '($id: ID!)'): Verb {
  return async ({ world, node, person }) => {
    const { data, errors } = await node.send(`mutation ${parameters} { ${field} }`, {
      variables: { id: person.userId },
      token: world.admin.held.at(-1)?.accessToken ?? '',
    })
    if (!data && errors?.[0]?.extensions.code === 'UNAUTHENTICATED') throw new Error(JSON.stringify(errors))
    // Its own tokens died with everybody's.
    if (field === 'revokeEverything') world.take(world.admin, await node.login(world.admin))
  }
}

async function begin(): Promise<World> {
  const world = new World()
  const people = await Promise.all(
    Array.from({ length: users + 1 }, async (_, index) => {
      const { email, password, userId, ...tokens } = await world.node(index).signUp()
      const person: Person = { email, password, userId, held: [] }
      world.take(person, tokens)
      return person
    }),
  )
  world.people.push(...people.slice(1))
  world.admin = people[0] ?? world.admin
  await makeAdmin(world.node(0), world.admin.email)
  world.take(world.admin, await world.node(0).login(world.admin))
  return world
}

const reasons = new Set<string | undefined>()

async function compare(world: World): Promise<void> {
  const byRows = await Promise.all(world.issued.map(claims => strict.verdict(claims)))
  for (const { auth } of nodes) {
    const { revocation } = auth.parts
    // A node that was held up asks the rows itself.
    await until(() => revocation.isFresh())
    expect(world.issued.map(claims => revocation.view.verdict(claims))).toEqual(byRows)
  }
  await until(() => verifier.isFresh())
  const byVerifier = await Promise.all(world.texts.map(text => verifier.decide(text)))
  expect(byVerifier.map(verdictOf)).toEqual(byRows.map(reason => reason ?? 'accepted'))
  for (const reason of byRows) reasons.add(reason)
}

const step: fc.Arbitrary<Step> = fc.record({
  verb: fc.constantFrom(...(Object.keys(verbs) as (keyof typeof verbs)[])),
  node: fc.nat({ max: 1 }),
  person: fc.nat({ max: users - 1 }),
  token: fc.nat({ max: 3 }),
})

it('says of every token what the rows say, reason included, whatever happened', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async steps => {
      const world = await begin()
      for (const { verb, node, person, token } of steps) {
        const who = world.people[person]
        const tokens = who?.held.at(-1 - (token % who.held.length))
        if (!who || !tokens) throw new Error('Nobody is there.')
        await verbs[verb]({ world, node: world.node(node), person: who, tokens })
        await compare(world)
      }
    }),
    { numRuns: 10 },
  )
  // The histories were not all alike.
  expect(reasons.size).toBeGreaterThan(6)
}, 120_000)
