import type { IResolvers } from '@graphql-tools/utils'
import {
  type ASTNode,
  type DocumentNode,
  defaultFieldResolver,
  type GraphQLFieldResolver,
  Kind,
  type NameNode,
  type StringValueNode,
  visit,
} from 'graphql'
import { rootTypes } from './contract.ts'
import { defaultDirective } from './directiveName.ts'
import type { CheckedRename } from './rename.ts'

/* Gives Annul's SDL and resolvers the names that an app has chosen. */

/** The SDL with the new names, everywhere: definitions, references, guards, and what descriptions mention. */
export function renameContract(
  contract: readonly DocumentNode[],
  { types, directive, fields }: CheckedRename,
): readonly DocumentNode[] {
  const renamed = <Node extends { readonly name: NameNode }>(node: Node, to: string | undefined) =>
    to === undefined ? undefined : { ...node, name: { ...node.name, value: to } }
  const mentioned = mentions({ types, directive, fields })
  return contract.map(document =>
    visit(document, {
      enter(node, _key, parent, _path, ancestors) {
        switch (node.kind) {
          case Kind.STRING:
            return describes(node, parent) ? mentioned(node) : undefined
          case Kind.FIELD_DEFINITION: {
            const type = ancestors.findLast(isTypeDefinition)?.name.value
            return renamed(node, fields.get(`${type}.${node.name.value}`))
          }
          default:
            return undefined
        }
      },
      leave(node) {
        switch (node.kind) {
          case Kind.DIRECTIVE:
          case Kind.DIRECTIVE_DEFINITION:
            return node.name.value === defaultDirective ? renamed(node, directive) : undefined
          case Kind.NAMED_TYPE:
            return renamed(node, types.get(node.name.value))
          default:
            return isTypeDefinition(node) ? renamed(node, types.get(node.name.value)) : undefined
        }
      },
    }),
  )
}

type Named = ASTNode & { readonly name: NameNode }

function isTypeDefinition(node: ASTNode | readonly ASTNode[]): node is Named {
  return 'kind' in node && /Type(Definition|Extension)$/.test(node.kind)
}

function describes(text: StringValueNode, owner: ASTNode | readonly ASTNode[] | undefined): boolean {
  return owner !== undefined && 'description' in owner && owner.description === text
}

/** Renames what stands between backticks in a description: a type, a field of a root type, `@auth`. */
function mentions({ types, directive, fields }: CheckedRename) {
  const names = new Map(types)
  names.set(`@${defaultDirective}`, `@${directive}`)
  for (const [field, renamedTo] of fields) {
    const [type = '', name = ''] = field.split('.')
    if (rootTypes.includes(type)) names.set(name, renamedTo)
  }
  return (text: StringValueNode): StringValueNode => ({
    ...text,
    value: text.value.replace(/(?<=`)@?\w+/g, name => names.get(name) ?? name),
  })
}

/** The resolvers under the new names. A field without a resolver is read by its former name. */
export function renameResolvers(resolvers: IResolvers, { types, fields }: CheckedRename): IResolvers {
  const all: Record<string, Record<string, unknown>> = {}
  for (const [type, ofType] of Object.entries(resolvers))
    all[type] = Object.fromEntries(
      Object.entries(ofType as object).map(([name, resolver]) => [
        fields.get(`${type}.${name}`) ?? name,
        resolver,
      ]),
    )
  for (const [field, renamedTo] of fields) {
    const [type = '', name = ''] = field.split('.')
    all[type] = { [renamedTo]: readerOf(name), ...all[type] }
  }
  return Object.fromEntries(
    Object.entries(all).map(([type, ofType]) => [types.get(type) ?? type, ofType]),
  ) as IResolvers
}

function readerOf(fieldName: string): GraphQLFieldResolver<unknown, unknown> {
  return (source, args, context, info) => defaultFieldResolver(source, args, context, { ...info, fieldName })
}
