import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isLeafType,
  isListType,
  isRequiredArgument,
  isUnionType,
  print,
} from 'graphql'
import { sampleOf } from './samples.ts'

export type Kind = 'query' | 'mutation' | 'subscription'

/** An operation that asks for one root field. */
export interface Example {
  readonly kind: Kind
  /** The root field. */
  readonly field: string
  /** As the docs name it: `Query.me`. */
  readonly coordinate: string
  readonly query: string
  /** As JSON; empty where the field wants none. */
  readonly variables: string
}

/** Who the variables are about. */
export interface Viewer {
  readonly id: string
  readonly email: string
}

/** Levels of objects in a selection. Pages of a list (`…Connection`, `…Edge`) do not count. */
const maxLevels = 2

/** An example for every root field of the schema, in the schema's order. */
export function examplesOf(schema: GraphQLSchema, viewer: Viewer | null): readonly Example[] {
  const roots: readonly [Kind, GraphQLObjectType | null | undefined][] = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ]
  return roots.flatMap(([kind, type]) =>
    Object.values(type?.getFields() ?? {}).map(field => ({
      kind,
      field: field.name,
      coordinate: `${type?.name}.${field.name}`,
      ...operationOf(kind, field, viewer),
    })),
  )
}

function operationOf(kind: Kind, field: GraphQLField<unknown, unknown>, viewer: Viewer | null) {
  const { name, args } = field
  const title = name.replace(/^./, letter => letter.toUpperCase())
  const declared = args.length > 0 ? `(${args.map(declarationOf).join(', ')})` : ''
  const passed = args.length > 0 ? `(${args.map(arg => `${arg.name}: $${arg.name}`).join(', ')})` : ''
  // What is optional is declared and not given: null could mean "delete it" to an app.
  const given = args.filter(isRequiredArgument).map(arg => [arg.name, sampleOf(arg, kind, viewer)])
  const selection = selectionOf(field, [], '  ')
  return {
    query: `${kind} ${title}${declared} {\n  ${name}${passed}${selection}\n}\n`,
    variables: given.length > 0 ? JSON.stringify(Object.fromEntries(given), null, 2) : '',
  }
}

function declarationOf({ name, type, defaultValue }: GraphQLArgument): string {
  const node = defaultValue === undefined ? undefined : astFromValue(defaultValue, type)
  return `$${name}: ${type}${node ? ` = ${print(node)}` : ''}`
}

/** The fields of the field's type that want no arguments, and no secret. Empty for a value. */
function selectionOf(
  { type }: Pick<GraphQLField<unknown, unknown>, 'type'>,
  path: readonly string[],
  indent: string,
): string {
  const named = getNamedType(type)
  if (!isCompositeType(named)) return ''
  const inner = `${indent}  `
  if (isUnionType(named)) return ` {\n${inner}__typename\n${indent}}`
  const levels = path.filter(name => !/(Connection|Edge)$/.test(name)).length
  const lines = Object.values(named.getFields()).flatMap(field => {
    const { name, args, deprecationReason } = field
    if (args.some(isRequiredArgument) || deprecationReason != null || isSecret.test(name)) return []
    const below = getNamedType(field.type)
    if (isLeafType(below)) return [`${inner}${name}`]
    const isPage = /(Connection|Edge)$/.test(named.name)
    if (below.name === named.name || path.includes(below.name)) return []
    // Lists within lists would cost the product of their lengths.
    if (!isPage && (levels + 1 >= maxLevels || (path.length > 0 && isListType(getNullableType(field.type)))))
      return []
    return [`${inner}${name}${selectionOf(field, [...path, named.name], inner)}`]
  })
  return ` {\n${lines.length > 0 ? lines.join('\n') : `${inner}__typename`}\n${indent}}`
}

/** What would stand in the answer for anybody who looks at the screen. Whoever wants it adds it. */
const isSecret = /refreshToken|password|secret/i
