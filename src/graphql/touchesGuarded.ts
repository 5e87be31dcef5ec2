import {
  BREAK,
  type DocumentNode,
  type GraphQLSchema,
  isAbstractType,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { type Guards, readGuards } from './guards.ts'

const guardsOf = new WeakMap<GraphQLSchema, Guards>()

/**
 * Whether an operation asks for a field that `@auth` guards, or may guard: an interface's field may.
 *
 * @param maxTokens of an operation
 */
export function touchesGuarded(schema: GraphQLSchema, operation: string, maxTokens: number): boolean {
  const document = read(operation, maxTokens)
  if (document === undefined) return false
  const guards = guardsOf.get(schema) ?? readGuards(schema)
  guardsOf.set(schema, guards)
  const types = new TypeInfo(schema)
  let touches = false
  const visitor = {
    Field({ name }: { readonly name: { readonly value: string } }) {
      const parent = types.getParentType()
      const members = isAbstractType(parent) ? schema.getPossibleTypes(parent) : [parent]
      touches = members.some(type => guards.has(`${type?.name}.${name.value}`))
      return touches ? BREAK : undefined
    },
  }
  visit(document, visitWithTypeInfo(types, visitor))
  return touches
}

/** Undefined for a text that is no operation: it has no answer. */
function read(operation: string, maxTokens: number): DocumentNode | undefined {
  try {
    return parse(operation, { maxTokens })
  } catch {
    return undefined
  }
}
