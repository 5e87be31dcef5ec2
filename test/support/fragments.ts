import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile, type Needs } from './compile.ts'
import { root } from './imports.ts'

/** The blocks of a language in a page of docs/, in its order. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block = '']) => block,
  )
}

/**
 * Compiles fragments of programs, which share what stands before them and are else apart.
 *
 * @param before imports and declarations of what the reader has already
 */
export function compileFragments(
  before: string,
  fragments: readonly string[],
  packages: readonly string[],
  needs: Needs = {},
): Promise<string[]> {
  const imports = new Set<string>()
  const bodies = fragments.map((fragment, at) => {
    const body = fragment
      .replace(/^import .*\n/gm, line => {
        imports.add(line)
        return ''
      })
      .replace(/^export (default )?/gm, (_, isDefault) => (isDefault ? 'void ' : ''))
    return `export async function fragment${at}() {\n${body}}\n`
  })
  return compile([...imports, before, ...bodies].join('\n'), packages, needs)
}
