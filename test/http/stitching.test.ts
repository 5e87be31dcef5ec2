import { describe, expect, it } from '@jest/globals'
import {
  buildClientSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  introspectionFromSchema,
  parse,
  printSchema,
  visit,
} from 'graphql'
import { buildSchema } from '../../src/graphql/schema.ts'
import { useServer } from '../support/server.ts'

/* Annul's own server is what a gateway that stitches asks: it serves `_users`, and else the contract alone. */

const env = { ANNUL_INTROSPECTION: 'on' }

/** The fields and arguments of a schema, with their types, as introspection tells them. */
function told(introspection: IntrospectionQuery): string[] {
  const found: string[] = []
  visit(parse(printSchema(buildClientSchema(introspection)), { noLocation: true }), {
    enter(node, _key, _parent, _path, ancestors) {
      if (!('name' in node) || !/Definition$/.test(node.kind)) return
      const names = [...ancestors, node].flatMap(one => ('name' in one ? (one.name?.value ?? []) : []))
      found.push(`${names.join('.')} ${'type' in node ? JSON.stringify(node.type) : node.kind}`)
    },
  })
  return found
}

describe('Annul’s own server', () => {
  const server = useServer({ env })

  it('serves the contract and `_users`', async () => {
    const { data } = await server.send<IntrospectionQuery>(getIntrospectionQuery())
    const served = data ? told(data) : []
    const contract = told(introspectionFromSchema(buildSchema({})))
    expect(contract.filter(line => !served.includes(line))).toEqual([])
    const added = served.filter(line => !contract.includes(line)).map(line => line.split(' ')[0])
    expect(added).toEqual(['Query._users', 'Query._users.ids'])
  })

  it('answers `_users` as it answers `user`', async () => {
    const { accessToken: token, userId } = await server.signUp()
    const stranger = await server.signUp()
    const query = `{ _users(ids: ${JSON.stringify([userId, stranger.userId])}) { id } }`
    const answer = await server.send(query, { token })
    expect([answer.data, answer.errors?.map(({ path, extensions: { code } }) => [path, code])]).toEqual([
      { _users: [{ id: userId }, null] },
      [[['_users', 1], 'FORBIDDEN']],
    ])
    const unsigned = await server.send(query)
    expect([unsigned.status, unsigned.reason]).toEqual([401, 'TOKEN_MISSING'])
  })
})

const fields = '{ __type(name: "Query") { fields { name } } }'

describe.each([
  ['by a setting', { env: { ...env, ANNUL_FEDERATION: 'on' } }],
  ['by an option', { env, extension: { federation: true } }],
])('Annul’s own server as a subgraph %s', (_how, options) => {
  const server = useServer(options)

  it('has `_entities`, and no `_users` that would go into the supergraph', async () => {
    const { data } = await server.send(fields)
    expect(JSON.stringify(data)).toContain('"_entities"')
    expect(JSON.stringify(data)).not.toContain('"_users"')
  })
})

describe('Annul’s own server with `stitching: false`', () => {
  const server = useServer({ env, extension: { stitching: false } })

  it('has no `_users`', async () => {
    expect(JSON.stringify((await server.send(fields)).data)).not.toContain('"_users"')
  })
})
