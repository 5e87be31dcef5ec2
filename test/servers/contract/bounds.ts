import { describe, expect, it } from '@jest/globals'
import { getIntrospectionQuery } from 'graphql'
import { beyondBounds, mutationsWithinBounds, withinBounds } from '../../support/boundedOperations.ts'
import type { Abilities, ContractServer } from './server.ts'

/** How much one operation may ask for (docs/limits.md). */
export function boundCases(server: ContractServer, { subscribe }: Abilities): void {
  const cases = Object.entries(beyondBounds).flatMap(([code, operations]) =>
    Object.entries(operations).map(([name, operation]) => [name, code, operation] as const),
  )

  describe('an operation beyond a bound', () => {
    it.each(cases)(
      'is refused with 400 and a code of its own: %s: %s',
      async (_, code, { query, variables }) => {
        const before = server.app.carriedOut
        for (const accept of ['application/json', 'application/graphql-response+json']) {
          const { status, data, errors } = await server.send(query, {
            ...(variables && { variables }),
            headers: { accept },
          })
          expect({ status, data, errors }).toMatchObject({ status: 400, errors: [{ extensions: { code } }] })
          expect(data).toBeUndefined()
          expect(errors).toHaveLength(1)
        }
        expect(server.app.carriedOut).toBe(before)
      },
    )

    it('is refused again when it comes again, with other variables too', async () => {
      const query = 'query ($n: Int) { tree { tree(first: $n) { leaf } } }'
      const codes = []
      for (const n of [1, 10_000, 1, 10_000])
        codes.push((await server.send(query, { variables: { n } })).code)
      expect(codes).toEqual([undefined, 'OPERATION_TOO_EXPENSIVE', undefined, 'OPERATION_TOO_EXPENSIVE'])
    })

    if (subscribe)
      it('is refused as a subscription', async () => {
        const query = `subscription { ticks ${'@include(if: true) '} ...F } fragment F on Subscription { ${'... @include(if: true) { ticks } '.repeat(50)} }`
        const { refused, close } = await subscribe(server.url, query)
        expect(await refused).toMatchObject({ code: 'TOO_MANY_DIRECTIVES' })
        close()
      })
  })

  describe('an operation within the bounds', () => {
    it.each(Object.entries({ ...withinBounds, ...mutationsWithinBounds }))(
      'is carried out: %s',
      async (_, operation) => {
        const { errors } = await server.send(operation.query, operation)
        // The one that fails is a login with a wrong password.
        expect(errors?.filter(({ extensions }) => extensions.code !== 'INVALID_CREDENTIALS') ?? []).toEqual(
          [],
        )
      },
    )

    it('is a standard introspection', async () => {
      const query = getIntrospectionQuery({
        inputValueDeprecation: true,
        specifiedByUrl: true,
        schemaDescription: true,
      })
      expect((await server.send(query)).errors).toBeUndefined()
    })
  })
}
