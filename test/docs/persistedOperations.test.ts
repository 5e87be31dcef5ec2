import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { documentOf } from '../../src/client/requests/documents.ts'
import { passkeyMutations } from '../../src/client/requests/passkeyMutations.ts'
import { root } from '../support/imports.ts'

const page = readFileSync(join(root, 'docs/persisted-operations.md'), 'utf8')
const [own = {}, ofPasskeys = {}] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(
  ([, json = '']): Record<string, string> => JSON.parse(json),
)

it('docs/persisted-operations.md has the operations of annul/client, word by word', () => {
  const source = readFileSync(join(root, 'src/client/requests/documents.ts'), 'utf8')
  const type = /export type OwnMutation =([\s\S]*?)\n\n/.exec(source)?.[1] ?? ''
  const names = [...type.matchAll(/'(\w+)'/g)].map(([, name = '']) => name)
  // The answer to a logout is a scalar.
  const real = names.map(name => documentOf(name, {}, name === 'logout' ? { selection: '' } : {}))
  expect(Object.values(own)).toEqual(real)
  expect(Object.keys(own)).toEqual(names.map(name => `annul-${name}`))
})

it('docs/persisted-operations.md has the operations of annul/client/passkeys, word by word', () => {
  const real = Object.entries(passkeyMutations).map(([name, shape]) => [
    `annul-${name}`,
    documentOf(name, {}, shape),
  ])
  expect(Object.entries(ofPasskeys)).toEqual(real)
  expect(real.length).toBe(4)
})
