import { type FieldNode, type GraphQLField, Kind, type ValueNode } from 'graphql'

export type Variables = Readonly<Record<string, unknown>>

/** The arguments by which a client says how long a list is to be. */
const sizes: readonly string[] = ['first', 'last']
/** The fields that answer each item of a list that a client sends, and the argument that is the list. */
const answered: Readonly<Record<string, string>> = { _entities: 'representations', _users: 'ids' }
/** Larger ones cost no more: the product of several stays a number. */
const largest = 1e9

/** How many items a field's list may have by its arguments: at least 1. */
export function sizeAskedFor(
  node: FieldNode,
  field: GraphQLField<unknown, unknown> | undefined,
  readVariable: (variable: string) => unknown,
): number {
  const list = node.arguments?.find(each => each.name.value === answered[node.name.value])
  let size = Math.max(1, list ? lengthOf(list.value, readVariable) : 1)
  for (const name of sizes) {
    const argument = node.arguments?.find(each => each.name.value === name)
    const given = argument && read(argument.value, readVariable)
    const asked = given ?? field?.args.find(each => each.name === name)?.defaultValue
    // A text too: an app's own scalar may take it for a number.
    const number = typeof asked === 'number' || typeof asked === 'string' ? Number(asked) : 1
    if (number > size) size = Math.min(number, largest)
  }
  return size
}

function lengthOf(value: ValueNode, readVariable: (variable: string) => unknown): number {
  if (value.kind === Kind.LIST) return value.values.length
  const given = read(value, readVariable)
  return Array.isArray(given) ? given.length : 1
}

function read(value: ValueNode, readVariable: (variable: string) => unknown): unknown {
  if (value.kind === Kind.VARIABLE) return readVariable(value.name.value)
  return 'value' in value ? value.value : undefined
}

/** The items of the longest list in a value, lists in it included. At most 100 levels come here (nesting.ts). */
export function longestList(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>(
    (longest, inner) => Math.max(longest, longestList(inner)),
    Array.isArray(value) ? value.length : 0,
  )
}

/** As longestList, of a value in a document. */
export function longestListIn(value: ValueNode): number {
  if (value.kind === Kind.LIST)
    return value.values.reduce(
      (longest, inner) => Math.max(longest, longestListIn(inner)),
      value.values.length,
    )
  if (value.kind === Kind.OBJECT)
    return value.fields.reduce((longest, inner) => Math.max(longest, longestListIn(inner.value)), 0)
  return 0
}
