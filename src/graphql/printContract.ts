import { type DocumentNode, Kind, parse, print, visit } from 'graphql'
import { readContract } from './contract.ts'
import type { ContractFormat, SubgraphSecurity } from './contractFormats.ts'
import { checkRename } from './rename.ts'
import { withSecurity } from './securityDirectives.ts'
import { stitchingContract } from './stitching.ts'
import { printable, printSubgraph, subgraphContract } from './subgraphSdl.ts'

/* Annul's own part of a schema as one text, for a registry, a composition or a stitching gateway. */

/** @param security for the format `federation` */
export function printContract(format: ContractFormat, security: SubgraphSecurity): string {
  const contract = readContract()
  switch (format) {
    case 'plain':
      return print(printable(contract))
    case 'federation': {
      const rename = checkRename(contract)
      return printSubgraph(
        withSecurity(subgraphContract(contract, rename), rename.directive, security),
        [],
        rename.directive,
      )
    }
    case 'stitching':
      return [parse(stitchingDirectives), printable(forStitching([...contract, stitchingContract]))]
        .map(print)
        .join('\n\n')
  }
}

/** As `@graphql-tools/stitching-directives` declares those that are used. */
const stitchingDirectives = `
  directive @key(selectionSet: String!) on OBJECT
  directive @merge(keyField: String, keyArg: String, additionalArgs: String, key: [String!], argsExpr: String) on FIELD_DEFINITION
`
const keyDirective = '@key(selectionSet: "{ id }")'
const mergeDirective = '@merge(keyField: "id")'

/** Says to a gateway that reads directives what it would else be told in code: User is merged on `id`, by `_users`. */
function forStitching(documents: readonly DocumentNode[]): readonly DocumentNode[] {
  return documents.map(document =>
    visit(document, {
      ObjectTypeDefinition: node =>
        node.name.value === 'User' ? { ...node, directives: [...(node.directives ?? []), key] } : undefined,
      FieldDefinition: node =>
        node.name.value === '_users'
          ? { ...node, directives: [...(node.directives ?? []), merge] }
          : undefined,
    }),
  )
}

function directiveOf(text: string) {
  const [definition] = parse(`type T ${text} { id: ID }`).definitions
  const [directive] = definition?.kind === Kind.OBJECT_TYPE_DEFINITION ? (definition.directives ?? []) : []
  if (directive === undefined) throw new Error(`${text} is no directive.`)
  return directive
}

const key = directiveOf(keyDirective)
const merge = directiveOf(mergeDirective)
