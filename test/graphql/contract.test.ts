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
/** What the server serves beside the design: figures for operators in the console, and what an account says about resets. */
const added = [
  'Query.revocationLog',
  'RevocationLog',
  'WaitCount',
  'Query.signingKeys',
  'SigningKey',
  'Query.factorReset',
  'Mutation.delayFactorReset',
  'FactorReset',
  'Factor.codesLeft',
]
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
    const ours = [...definitionsOf(schema)].filter(([path]) => !added.some(start => path.startsWith(start)))
    const said = ours.map(([path, node]) => `${path}: ${signature(node)}`)
    expect(said).toEqual(ours.map(([path]) => `${path}: ${signature(designed.get(path))}`))
  })

  withDesign('leaves nothing out', () => {
    const designed = definitionsOf(parse(readFileSync(design, 'utf8')))
    const ours = definitionsOf(schema)
    const missing = [...designed.keys()].filter(path => !ours.has(path))
    expect(missing).toEqual([])
  })
})
