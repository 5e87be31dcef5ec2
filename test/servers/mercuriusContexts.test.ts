import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { expect, it } from '@jest/globals'
import type { GraphQLContext } from '../../src/request/context.ts'
import { closeAfterEach, startMercurius, useAuth } from './mercurius/support.ts'

const shared = useAuth()
closeAfterEach()

/** Whether the engine reads the object's properties by its hidden class, and not by a dictionary. The engine alone knows. */
function isFast(value: object | undefined): boolean {
  setFlagsFromString('--allow-natives-syntax')
  return runInThisContext('value => %HasFastProperties(value)')(value)
}

it('the context of a request stays fast, and belongs to that request', async () => {
  const seen: GraphQLContext[] = []
  const typeDefs = 'extend type Query { open: String }'
  const open = (_source: unknown, _input: unknown, context: GraphQLContext) => {
    seen.push(context)
  }
  const { post } = await startMercurius(shared.auth, {
    extension: { typeDefs, resolvers: { Query: { open } } },
  })
  for (let asked = 0; asked < 4; asked++) await post({ query: '{ open }' })
  // The first two are of shapes that the engine still learns.
  expect(seen.slice(2).map(isFast)).toEqual([true, true])
  expect(new Set(seen.map(({ auth }) => auth)).size).toBe(4)
})
