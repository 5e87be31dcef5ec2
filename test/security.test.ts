import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { root } from './support/imports.ts'

/* The table of ASVS 5.0 in SECURITY.md: each requirement has its row, and each row that names tests has one. */

const table = readFileSync(join(root, 'SECURITY.md'), 'utf8').split('\n## ASVS 5.0\n')[1] ?? ''
const rows = [...table.matchAll(/^\| (\d[^|]*) \| ([^|]*) \| ([^|]*) ?\|$/gm)].map(
  ([, requirement = '', , tests = '']) => ({
    numbers: requirement.match(/\d+\.\d+\.\d+/g) ?? [],
    folder: tests.trim(),
  }),
)

/** How many requirements each section has. */
const sections: Readonly<Record<string, number>> = {
  '6.1': 3,
  '6.2': 12,
  '6.3': 8,
  '6.4': 6,
  '6.5': 8,
  '6.6': 4,
  '6.7': 2,
  '6.8': 4,
  '7.1': 3,
  '7.2': 4,
  '7.3': 2,
  '7.4': 5,
  '7.5': 3,
  '7.6': 2,
  '8.1': 4,
  '8.2': 4,
  '8.3': 3,
  '8.4': 2,
  '9.1': 3,
  '9.2': 4,
  '10.4': 16,
}
const all = Object.entries(sections).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, at) => `${section}.${at + 1}`),
)

describe('the table of ASVS 5.0', () => {
  it('has every requirement once', () => {
    expect(rows.flatMap(({ numbers }) => numbers).sort()).toEqual([...all].sort())
  })

  it.each(rows.filter(({ folder }) => folder !== ''))(
    'names tests that name $numbers',
    ({ numbers, folder }) => {
      const tests = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter(path => path.endsWith('.test.ts'))
        .map(path => readFileSync(join(root, folder, path), 'utf8'))
        .join('\n')
      const named = [...tests.matchAll(/ASVS 5\.0 ([\d. and]+)/g)].flatMap(([, list = '']) =>
        list.split(' and '),
      )
      expect(named.map(number => number.trim())).toEqual(expect.arrayContaining(numbers))
    },
  )
})
