import { ApolloServer } from '@apollo/server'
import { mapSchema } from '@graphql-tools/utils'
import { describe, expect, it } from '@jest/globals'
import { buildSchema } from 'graphql'
import type { GraphQLContext } from '../../src/request/context.ts'
import { useFixture } from '../support/useFixture.ts'
import { openAppAuth } from './support.ts'

const annul = useFixture(() => openAppAuth())
const start = (schema: ReturnType<typeof buildSchema>) => {
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const apollo = new ApolloServer<GraphQLContext>({ schema, ...annul.auth.apollo(), logger })
  return apollo.start().then(() => apollo.stop())
}

describe('Apollo Server', () => {
  it('does not start with a schema whose @auth nobody enforces', async () => {
    const schema = buildSchema('directive @auth on FIELD_DEFINITION type Query { secret: Int @auth }')
    await expect(start(schema)).rejects.toThrow('a schema whose @auth nobody enforces')
  })

  it('starts with a guarded one, also after a tool has worked on it', async () => {
    await start(annul.auth.schema())
    await start(mapSchema(annul.auth.schema(), {}))
  })
})
