import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { documentOf, type OwnMutation } from '../../src/client/requests/documents.ts'
import { root } from '../support/imports.ts'

it('docs/persisted-operations.md has the operations of annul/client, word by word', () => {
  const page = readFileSync(join(root, 'docs/persisted-operations.md'), 'utf8')
  const shown: Record<string, string> = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '{}')
  const real = Object.keys(shown).map(id => documentOf(id.replace('annul-', '') as OwnMutation, {}))
  expect(Object.values(shown)).toEqual(real)
  const source = readFileSync(join(root, 'src/client/requests/documents.ts'), 'utf8')
  const names = /const documents = \{([\s\S]*?)\n\} as const/.exec(source)?.[1]?.match(/^ {2}\w+/gm) ?? []
  expect(Object.keys(shown)).toEqual(names.map(name => `annul-${name.trim()}`))
})
