import { mergeTypeDefs } from '@graphql-tools/merge'
import { type DirectiveNode, type DocumentNode, Kind, parse, print, visit } from 'graphql'
import type { CheckedRename } from './rename.ts'
import { annulUrl, federationDirectives, federationUrl } from './subgraphDirectives.ts'

/* The documents of a subgraph, as `_service { sdl }` shows them and as `annul schema` prints them. */

/**
 * Annul's own part of a subgraph: with keys, and with PageInfo to be shared.
 *
 * @param contract under the names that `rename` gives
 */
export function subgraphContract(
  contract: readonly DocumentNode[],
  { types }: CheckedRename,
): readonly DocumentNode[] {
  const added = new Map(Object.entries(ofTypes).map(([type, text]) => [types.get(type) ?? type, text]))
  return contract.map(document =>
    visit(document, {
      ObjectTypeDefinition: node => ({
        ...node,
        directives: [...(node.directives ?? []), ...directivesOf(added.get(node.name.value))],
      }),
    }),
  )
}

/** On the definition of PageInfo itself: `extend type PageInfo @shareable` does not compose. By Annul's names. */
const ofTypes = { User: '@key(fields: "id")', Session: '@key(fields: "id")', PageInfo: '@shareable' }

function directivesOf(text = ''): readonly DirectiveNode[] {
  const [definition] = parse(`type T ${text} { id: ID }`).definitions
  return definition?.kind === Kind.OBJECT_TYPE_DEFINITION ? (definition.directives ?? []) : []
}

/**
 * The SDL of a subgraph: what composition reads.
 *
 * @param contract what subgraphContract has made
 * @param added an app's own
 * @param directive what `@auth` is called, without the `@`
 */
export function printSubgraph(
  contract: readonly DocumentNode[],
  added: readonly DocumentNode[],
  directive: string,
): string {
  const federation = ['composeDirective', ...usedDirectives([...contract, ...added])]
  const auth = directive === 'auth' ? '"@auth"' : `{ name: "@auth", as: "@${directive}" }`
  const link = parse(`
    extend schema
      @link(url: "${federationUrl}", import: [${federation.map(name => `"@${name}"`).join(', ')}])
      @link(url: "${annulUrl}", import: [${auth}])
      @composeDirective(name: "@${directive}")`)
  return [link, printable(contract), ...added].map(print).join('\n\n')
}

/** One definition of each type, instead of one and its extensions. */
export function printable(contract: readonly DocumentNode[]): DocumentNode {
  return mergeTypeDefs([...contract], { useSchemaDefinition: false })
}

/** Federation's directives that documents use, and do not declare themselves. */
export function usedDirectives(documents: readonly DocumentNode[]): readonly string[] {
  const used = new Set<string>()
  const declared = new Set<string>()
  for (const document of documents)
    visit(document, {
      Directive: ({ name }) => void used.add(name.value),
      DirectiveDefinition: ({ name }) => void declared.add(name.value),
    })
  return Object.keys(federationDirectives).filter(name => used.has(name) && !declared.has(name))
}
