import { describe, expect, it } from '@jest/globals'
import { getIntrospectionQuery } from 'graphql'
import { beyondBounds, mutationsWithinBounds, withinBounds } from '../../support/boundedOperations.ts'
import type { ResponseError } from '../../support/client.ts'
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

  describe('a request beyond a bound', () => {
    it('is refused with 413: a body of more than 100 kB', async () => {
      const { status, data, errors } = await server.send('{ news }', {
        variables: { more: 'a'.repeat(100_000) },
      })
      expect({ status, data, errors }).toEqual({
        status: 413,
        data: undefined,
        errors: [
          { message: 'The body is larger than 100000 bytes.', extensions: { code: 'BODY_TOO_LARGE' } },
        ],
      })
    })

    it('is answered: a body of almost 100 kB', async () => {
      expect(await server.send('{ news }', { variables: { more: 'a'.repeat(99_900) } })).toMatchObject({
        status: 200,
      })
    })

    it('is refused with 400: a list of operations', async () => {
      const before = server.app.carriedOut
      for (const operations of [[], [{ query: 'mutation { countPublic }' }], [[]], ['{ news }']]) {
        const response = await fetch(`${server.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(operations),
        })
        const { data, errors } = (await response.json()) as { data?: unknown; errors: ResponseError[] }
        expect({ status: response.status, data, code: errors[0]?.extensions.code }).toEqual({
          status: 400,
          data: undefined,
          code: 'BAD_REQUEST',
        })
      }
      expect(server.app.carriedOut).toBe(before)
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
