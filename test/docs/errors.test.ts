import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { refusals } from '../../src/graphql/bounds/limits.ts'
import { codes, inputReasons, reasons, requestCodes } from '../../tools/docs/errors.ts'
import { errorsPage } from '../../tools/docs/errorsPage.ts'
import { root } from '../support/imports.ts'

/* docs/errors.md is written from tables that have every code and every reason of the source. */

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => readFileSync(join(root, 'src', path), 'utf8'))

/** What a pattern's group finds in the source, each once, in order. */
function found(pattern: RegExp): string[] {
  const all = sources.flatMap(text => [...text.matchAll(pattern)].map(([, name = '']) => name))
  return [...new Set(all)].sort()
}

describe('docs/errors.md', () => {
  it('is what the tables say: otherwise run "npm run generate"', () => {
    expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorsPage())
  })

  it('has every reason of BAD_USER_INPUT that the source gives, and no other', () => {
    expect(found(/badUserInput\(\s*[^,()]+,\s*'([A-Z_]+)'/g)).toEqual(Object.keys(inputReasons).sort())
    // Each call has its reason as a text, so that none is missed above. The declaration has a colon, and is no call.
    const calls = (pattern: RegExp) => sources.join('\n').match(pattern)?.length
    expect(calls(/badUserInput\(\s*[^,():]+,\s*'[A-Z_]+'/g)).toBe(calls(/badUserInput\(\s*[^,():]+,/g))
  })

  it('has every code that the source gives', () => {
    const known = [
      ...Object.keys(codes),
      ...Object.keys(requestCodes),
      ...Object.values(refusals).map(({ code }) => code),
    ]
    const given = found(/\b(?:code(?:: | = )|new AuthError\(\s*)'([A-Z][A-Z_]+)'/g)
    expect(given.length).toBeGreaterThan(20)
    expect(given.filter(code => !known.includes(code))).toEqual([])
    // And no code that the source does not know.
    expect(Object.keys(requestCodes).filter(code => !found(/'([A-Z][A-Z_]+)'/g).includes(code))).toEqual([])
  })

  it('has every reason under a code, with what a client does', () => {
    for (const reason of Object.keys(reasons)) expect(errorsPage()).toContain(`| \`${reason}\` | `)
    for (const code of Object.keys(codes)) expect(errorsPage()).toContain(`\n## ${code}\n`)
  })
})
