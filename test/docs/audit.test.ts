import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { root } from '../support/imports.ts'

it('docs/audit.md has every kind of event, in the order of its type', () => {
  const page = readFileSync(join(root, 'docs/audit.md'), 'utf8')
  const table = page.split('\n## Kinds\n')[1]?.split('\n## ')[0] ?? ''
  const told = [...table.matchAll(/^\| `([a-z-]+)` \| \S.* \|$/gm)].map(([, kind]) => kind)
  const source = readFileSync(join(root, 'src/app/auditEvent.ts'), 'utf8')
  const type = source.split('export type AuditKind =')[1]?.split('\n\n')[0] ?? ''
  const kinds = [...type.matchAll(/'([a-z-]+)'/g)].map(([, kind]) => kind)
  expect(kinds.length).toBeGreaterThan(30)
  expect(told).toEqual(kinds)
})
