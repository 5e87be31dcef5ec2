import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { arrayOf } from '../../src/database/arrayOf.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

const read = async (values: readonly (string | null)[]) => {
  const [row] = await server.rows<{ read: string }>(
    sql`select array_to_json(${arrayOf(values)}::text::text[])::text as read`,
  )
  return JSON.parse(row?.read ?? '') as unknown
}

it('The database reads an array as it was, whatever its texts are', async () => {
  const texts = ['', ' ', 'null', 'NULL', '{}', 'a,b', '"', '\\', '\\"', 'a\nb\tc', "'", 'ä€😀', '$1']
  expect(await read([...texts, null, ...texts])).toEqual([...texts, null, ...texts])
  expect(await read([])).toEqual([])
  const text = fc.string({ unit: 'binary' }).filter(each => !each.includes('\0'))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(text)), async values => {
      expect(await read(values)).toEqual(values)
    }),
  )
  const numbers = sql`select array_to_json(${arrayOf([1, -0.5, 900])}::text::float8[])::text as read`
  expect(await server.rows(numbers)).toEqual([{ read: '[1,-0.5,900]' }])
})
