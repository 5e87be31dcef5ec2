import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/*
 * Removes from dist/ the declarations that no entry point leads to, before the package is packed. No public type shows
 * what is inside (CONTRIBUTING.md), so four of five files of declarations are read by nobody.
 */

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const targets = value => (typeof value === 'string' ? [value] : Object.values(value).flatMap(targets))
const declarationsOf = path => resolve(path.replace(/(\.d)?\.[jt]s$/, '.d.ts'))

const kept = new Set()
function keep(path) {
  if (kept.has(path)) return
  kept.add(path)
  const text = readFileSync(path, 'utf8')
  for (const [, from] of text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g))
    keep(declarationsOf(join(dirname(path), from)))
}
for (const target of targets(exports))
  if (/^\.\/dist\/.*\.(js|d\.ts)$/.test(target)) keep(declarationsOf(target))

for (const name of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  const path = resolve('dist', name)
  if (path.endsWith('.d.ts') && !kept.has(path)) rmSync(path)
}
