import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import {
  type ASTNode,
  type DocumentNode,
  Kind,
  type NameNode,
  parse,
  print,
  type StringValueNode,
  visit,
} from 'graphql'
import { root } from '../support/imports.ts'

/* The GraphQL contract: schema/*.graphql, which is to be readable alone. */

const folder = join(root, 'schema')
const schema = parse(
  readdirSync(folder)
    .filter(file => file.endsWith('.graphql'))
    .map(file => readFileSync(join(folder, file), 'utf8'))
    .join('\n'),
)

/** Kept beside the project where it is designed; a clone does not have it. */
const design = join(root, '../shared/design/contract.graphql')
const withDesign = existsSync(design) ? it : it.skip
/** Names that came later than the design, each with what belongs to it. */
const additions = ['Subscription', 'SessionEvent', 'SessionEventKind']

/** Everything that has a name, by its path: `User`, `User.id`, `Query.user.id`, `@auth.roles`. */
function definitionsOf(document: DocumentNode): Map<string, Described> {
  const found = new Map<string, Described>()
  visit(document, {
    enter(node, _key, _parent, _path, ancestors) {
      if (!isDescribed(node)) return
      const names = [...ancestors.filter(isNamed), node].map(nameOf)
      found.set(names.join('.'), node)
    },
  })
  return found
}

type Described = ASTNode & { readonly name: NameNode; readonly description?: StringValueNode }

function isDescribed(node: ASTNode): node is Described {
  return /Definition$/.test(node.kind) && isNamed(node)
}

function isNamed(node: ASTNode | readonly ASTNode[]): node is Described {
  return 'name' in node && typeof node.name === 'object'
}

function nameOf({ kind, name }: Described): string {
  return kind === Kind.DIRECTIVE_DEFINITION ? `@${name.value}` : name.value
}

/** A definition without its description and without what has a name of its own. */
function signature(node: Described | undefined): string | undefined {
  if (node === undefined) return undefined
  const bare = { ...node, description: undefined, fields: [], values: [], arguments: [] }
  return print(bare as ASTNode)
}

describe('the GraphQL contract', () => {
  it('describes every type, field, argument, value and directive', () => {
    const definitions = [...definitionsOf(schema)]
    expect(definitions.length).toBeGreaterThan(100)
    const bare = definitions.filter(([, { description }]) => !description?.value.trim())
    expect(bare.map(([path]) => path)).toEqual([])
  })

  withDesign('says what the design says, name by name', () => {
    const designed = definitionsOf(parse(readFileSync(design, 'utf8')))
    const isAddition = (path: string) => additions.some(name => path === name || path.startsWith(`${name}.`))
    const ours = [...definitionsOf(schema)].filter(([path]) => !isAddition(path))
    const said = ours.map(([path, node]) => `${path}: ${signature(node)}`)
    expect(said).toEqual(ours.map(([path]) => `${path}: ${signature(designed.get(path))}`))
  })

  withDesign('leaves out no argument and no member of what it has', () => {
    const designed = definitionsOf(parse(readFileSync(design, 'utf8')))
    const ours = definitionsOf(schema)
    const parentOf = (path: string) => path.slice(0, path.lastIndexOf('.'))
    // Root fields come one issue after the other; what is there is there as a whole.
    const missing = [...designed.keys()].filter(
      path => !ours.has(path) && ours.has(parentOf(path)) && !/^(Query|Mutation)\.\w+$/.test(path),
    )
    expect(missing).toEqual([])
  })
})
