import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must, refusal, refused } from '../support/answers.ts'
import { type Device, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
let admin: Device
beforeAll(async () => {
  admin = await openAdmin(server)
  await insert(names, '2020-01-01T00:00:00Z')
})

const someId = '8d7c5a5e-0f6f-4f5b-9a3e-0c5a2b1d4e6f'

interface Page {
  readonly edges: {
    readonly cursor: string
    readonly node: { readonly id: string; readonly email: string }
  }[]
  readonly pageInfo: object
}
const query = `query ($first: Int! = 50, $after: String, $search: String) {
  users(first: $first, after: $after, search: $search) {
    edges { cursor node { id email } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
const ask = (variables: Record<string, unknown>) =>
  server.send<{ users: Page }>(query, { variables, token: admin.accessToken })
const page = async (variables: Record<string, unknown>) => must(await ask(variables)).users
const namesOf = ({ edges }: Page) => edges.map(({ node }) => node.email.replace('@list.example', ''))

/* Older than the admin, and of one instant, so that only the id orders them: these ids rise with the letters. */
const names = ['a', 'b', 'c', 'd', 'e']
const insert = async (some: readonly string[], at: string) => {
  for (const name of some)
    await server.rows(sql`insert into annul.users (id, email, email_key, created_at)
      values (${`${name.repeat(8)}-0000-4000-8000-000000000000`}, ${`${name}@list.example`}, ${`${name}@list.example`}, ${at})`)
}

describe('users', () => {
  it('come a page at a time, the oldest account first, each once', async () => {
    const pages: Page[] = []
    let after: string | undefined
    do {
      const next: Page = await page({ first: 2, after })
      pages.push(next)
      after = next.edges.at(-1)?.cursor
    } while (pages.length < 3)
    const { userId } = admin
    expect(pages.map(({ edges }) => edges.map(({ node }) => node.id[0]))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', userId[0]],
    ])
    expect(pages.map(({ pageInfo }) => pageInfo)).toEqual(
      pages.map(({ edges }, index) => ({
        hasNextPage: index < 2,
        hasPreviousPage: index > 0,
        startCursor: edges[0]?.cursor,
        endCursor: edges[1]?.cursor,
      })),
    )
  })

  it('end with an empty page', async () => {
    const all = await page({})
    expect(await page({ after: all.edges.at(-1)?.cursor })).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    })
    expect(await page({ search: 'nobody@' })).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    })
  })

  it('go on from a cursor though its user, and others, were deleted meanwhile', async () => {
    await insert(['f'], '2020-01-01T00:00:00Z')
    const { edges } = await page({ first: 3 })
    const after = edges.at(-1)?.cursor
    for (const name of ['c', 'd'])
      must(
        await server.send(`mutation { deleteUser(id: "${name.repeat(8)}-0000-4000-8000-000000000000") }`, {
          token: admin.accessToken,
        }),
      )
    expect(namesOf(await page({ first: 2, after }))).toEqual(['e', 'f'])
  })

  it('are found by a part of the e-mail, in any case; "%", "_" and "\\" are but characters', async () => {
    const odd = ['per%cent', 'under_score', 'back\\slash', 'underXscore']
    for (const name of odd)
      await server.rows(sql`insert into annul.users (id, email, email_key)
        values (${randomUUID()}, ${`${name}@odd.example`}, ${`${name.toLowerCase()}@odd.example`})`)
    const found = async (search: string) =>
      (await page({ search })).edges.map(({ node }) => node.email.replace('@odd.example', ''))
    expect((await found('ODD.example')).sort()).toEqual([...odd].sort())
    expect(await found(' ER%ce')).toEqual(['per%cent'])
    expect(await found('r_s')).toEqual(['under_score'])
    expect(await found('k\\s')).toEqual(['back\\slash'])
    expect((await found('UNDERxScore@')).sort()).toEqual(['underXscore'])
    expect(await found('odd_example')).toEqual([])
  })

  it.each([
    [{ first: 0 }, 'first', 'FIRST_OUT_OF_RANGE'],
    [{ first: -1 }, 'first', 'FIRST_OUT_OF_RANGE'],
    [{ first: 201 }, 'first', 'FIRST_OUT_OF_RANGE'],
    [{ search: 'x'.repeat(255) }, 'search', 'TEXT_TOO_LONG'],
    [{ search: 'a\u0000' }, 'search', 'TEXT_CHARACTERS'],
    [{ after: '' }, 'after', 'CURSOR_INVALID'],
    [{ after: 'nonsense' }, 'after', 'CURSOR_INVALID'],
    [{ after: cursor('2020-01-01T00:00:00.000Z', 'x') }, 'after', 'CURSOR_INVALID'],
    [{ after: cursor('yesterday', someId) }, 'after', 'CURSOR_INVALID'],
    [{ after: cursor('0000-01-01T00:00:00.000Z', someId) }, 'after', 'CURSOR_INVALID'],
    [{ after: cursor('+275760-09-13T00:00:00.000Z', someId) }, 'after', 'CURSOR_INVALID'],
    [{ after: cursor('-271821-04-20T00:00:00.000Z', someId) }, 'after', 'CURSOR_INVALID'],
  ])('refuse %p', async (variables, argument, reason) => {
    expect(refusal(await ask(variables))).toEqual(refused({ code: 'BAD_USER_INPUT', reason, argument }))
  })

  it('may be 200 at once', async () => {
    expect((await page({ first: 200 })).edges.length).toBeGreaterThan(5)
  })
})

function cursor(time: string, id: string): string {
  return Buffer.from(`${time} ${id}`).toString('base64url')
}
