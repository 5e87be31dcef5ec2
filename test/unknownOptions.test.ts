import { describe, expect, it } from '@jest/globals'
import { createAuth } from '../src/auth.ts'
import { guardSchema } from '../src/graphql/directive.ts'
import { buildSchema } from '../src/graphql/schema.ts'
import { startServer } from '../src/http/startServer.ts'
import { annulExpress } from '../src/servers/express.ts'

/* A mistyped option would have no effect, without any sign. (annul/yoga, annul/mercurius and the rest: in their tests.) */

const given = (options: object) => options as never

describe('an option that does not exist is refused, with the nearest name, by', () => {
  it('startServer', async () => {
    await expect(startServer(given({ prot: 1 }))).rejects.toThrow(
      new TypeError('startServer has no option "prot". The nearest name is "port".'),
    )
    await expect(startServer({ port: 0 }, given({ extensoin: {} }))).rejects.toThrow(
      new TypeError('startServer has no option "extensoin". The nearest name is "extension".'),
    )
  })

  it('auth.schema and guardSchema', () => {
    expect(() => buildSchema(given({ typeDef: '' }))).toThrow(
      new TypeError('auth.schema has no option "typeDef". The nearest name is "typeDefs".'),
    )
    expect(() => guardSchema(buildSchema(), given({ directve: 'x' }))).toThrow(
      new TypeError('guardSchema has no option "directve". The nearest name is "directive".'),
    )
  })

  it('annulExpress', () => {
    expect(() => annulExpress({} as never, given({ sever: 1 }))).toThrow(
      new TypeError('annulExpress has no option "sever". The nearest name is "server".'),
    )
  })
})

it('A log that is no logger is refused before anything is opened', async () => {
  const log = { info() {}, warn() {} }
  await expect(createAuth(given({ log }))).rejects.toThrow(
    new TypeError('The option "log" must have a function "error", as console and pino\'s loggers have.'),
  )
})
