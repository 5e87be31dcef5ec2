import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { credentialMutations } from '../../../src/graphql/bounds/credentialMutations.ts'
import { checkBounds, defaultBounds, refusals } from '../../../src/graphql/bounds/limits.ts'
import { root } from '../../support/imports.ts'

describe('bounds', () => {
  it('are Annul’s, but for those that an app gives', () => {
    expect(checkBounds()).toEqual(defaultBounds)
    expect(checkBounds({ depth: 12, cost: undefined })).toEqual({ ...defaultBounds, depth: 12 })
  })

  it.each<[unknown, string]>([
    [{ dept: 3 }, 'There is no bound "dept". The nearest name is "depth".'],
    [{ depth: 0 }, 'The bound "depth" must be a whole number of at least 1.'],
    [{ depth: 2.5 }, 'The bound "depth" must be a whole number of at least 1.'],
    [{ depth: '3' }, 'The bound "depth" must be a whole number of at least 1.'],
    [[], 'The option "bounds" must be an object of numbers.'],
    [null, 'The option "bounds" must be an object of numbers.'],
    [3, 'The option "bounds" must be an object of numbers.'],
  ])('are refused: %j', (given, message) => {
    expect(() => checkBounds(given)).toThrow(new TypeError(message))
  })
})

describe('docs/limits.md', () => {
  const page = readFileSync(join(root, 'docs/limits.md'), 'utf8')

  it('has the bounds, their defaults and their codes', () => {
    const rows = [...page.matchAll(/^\| `(\w+)`.* \| (\d+) \| `([A-Z_]+)` \|$/gm)]
    const told = rows.map(([, bound, most, code]) => [bound, Number(most), code])
    const real = Object.entries(defaultBounds).map(([bound, most]) => [
      bound,
      most,
      refusals[bound as keyof typeof refusals].code,
    ])
    expect(told).toEqual(real)
  })

  it('names the mutations of which an operation has one', () => {
    const [, names = ''] = /check or set a credential are ([\s\S]*), under the names that/.exec(page) ?? []
    expect([...names.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(credentialMutations)
  })

  it('has no two bounds with one code', () => {
    const codes = Object.values(refusals).map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
  })
})
