import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from '@swc/core'

/** The root of the project. */
export const root = fileURLToPath(new URL('../../', import.meta.url))
const sources = join(root, 'src')

/** One file or package that a file names by import, export … from, import(), require, or in a type. */
export interface Import {
  /** Relative to src/, as is `to` where it starts with a dot. */
  readonly from: string
  readonly to: string
  readonly isPackage: boolean
  /** Whether only types are imported, which are gone when the program runs. */
  readonly isType: boolean
}

export interface SourceFile {
  readonly path: string
  readonly imports: readonly Import[]
  /** Whether it reads the environment. */
  readonly readsEnvironment: boolean
}

/** Every source file under src/. The files are parsed, so that comments and strings do not count as imports. */
export function readSources(): SourceFile[] {
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => path.replaceAll('\\', '/'))
    .sort()
    .map(readSource)
}

function readSource(path: string): SourceFile {
  const imports: Import[] = []
  let readsEnvironment = false
  const add = (specifier: unknown, isType: boolean) => {
    const text = value(specifier)
    if (text === undefined) throw new Error(`${path} has an import that is not a string.`)
    const isPackage = !text.startsWith('.')
    const to = isPackage ? text : relative(sources, join(sources, dirname(path), text)).replaceAll('\\', '/')
    imports.push({ from: path, to, isPackage, isType })
  }

  walk(parseSync(readFileSync(join(sources, path), 'utf8'), { syntax: 'typescript' }), node => {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (node.source) add(node.source, node.typeOnly === true || hasOnlyTypes(node.specifiers))
        break
      case 'TsImportType':
        add(node.argument, true)
        break
      case 'CallExpression':
        if (isNode(node.callee) && (node.callee.type === 'Import' || value(node.callee) === 'require'))
          add(firstArgument(node), false)
        break
      case 'MemberExpression':
        readsEnvironment ||= value(node.object) === 'process' && value(node.property) === 'env'
        break
      case 'VariableDeclarator':
        // const { env } = process
        readsEnvironment ||=
          value(node.init) === 'process' && JSON.stringify(node.id).includes('"value":"env"')
        break
    }
  })
  return { path, imports, readsEnvironment }
}

/** A node of the syntax tree of swc, with the fields that this file reads. */
interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (isNode(value)) visit(value)
  for (const inner of Object.values(value)) walk(inner, visit)
}

/** The name of an identifier or the text of a literal; for `['env']` the text inside the brackets. */
function value(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Computed') return value(node.expression)
  return typeof node.value === 'string' ? node.value : undefined
}

function firstArgument(call: Node): unknown {
  const [argument] = Array.isArray(call.arguments) ? call.arguments : []
  return (argument as { expression?: unknown } | undefined)?.expression
}

function hasOnlyTypes(specifiers: unknown): boolean {
  return (
    Array.isArray(specifiers) &&
    specifiers.length > 0 &&
    specifiers.every(specifier => isNode(specifier) && specifier.isTypeOnly === true)
  )
}
