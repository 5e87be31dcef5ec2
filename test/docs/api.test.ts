import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { root } from '../support/imports.ts'

/* docs/api/ has a page for each door of package.json. That the pages are those of this source is checked by .ci/run. */

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { readonly default?: string }>
}
const doors = Object.entries(exports).flatMap(([door, { default: file }]) =>
  file === undefined ? [] : [{ door: door.replace(/^\./, 'annul'), file: join(root, file) }],
)

describe('docs/api', () => {
  it('lists every door', () => {
    const index = readFileSync(join(root, 'docs/api/README.md'), 'utf8')
    expect([...index.matchAll(/^- \[`(.+)`\]\(\1\.md\)$/gm)].map(([, door]) => door)).toEqual(
      doors.map(({ door }) => door),
    )
  })

  it.each(doors)('has every function and class of $door', async ({ door, file }) => {
    const page = readFileSync(join(root, `docs/api/${door}.md`), 'utf8')
    const documented = [...page.matchAll(/^### ([\w$]+)/gm)].map(([, name]) => name)
    const names = Object.keys(await import(file))
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter(name => !documented.includes(name))).toEqual([])
  })
})
