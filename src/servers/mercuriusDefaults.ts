import {
  astFromValue,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  Kind,
  type NamedTypeNode,
  typeFromAST,
  valueFromASTUntyped,
} from 'graphql'

type Variables = Readonly<Record<string, unknown>>
type Complete = (value: unknown) => unknown

/**
 * Puts the defaults of input objects into variables. A document that Mercurius has compiled (`jit`) refuses an input
 * object without a field of the kind `cookie: Boolean! = false`.
 *
 * @returns a function that gives the completed variables, or undefined where nothing is to be completed
 */
export function completeVariables() {
  const known = new WeakMap<DocumentNode, ReadonlyMap<string, Complete>>()
  return (schema: GraphQLSchema, document: DocumentNode, variables: Variables | undefined) => {
    if (!variables) return undefined
    const completions = known.get(document) ?? read(schema, document)
    known.set(document, completions)
    if (completions.size === 0) return undefined
    return Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, completions.get(name)?.(value) ?? value]),
    )
  }
}

/** The variables of a document that may have to be completed. */
function read(schema: GraphQLSchema, { definitions }: DocumentNode): Map<string, Complete> {
  const completions = new Map<string, Complete>()
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    for (const { variable, type } of definition.variableDefinitions ?? []) {
      const inputType: unknown = typeFromAST(schema, type as NamedTypeNode)
      const complete = isInputType(inputType) ? completionOf(inputType, new Map()) : undefined
      if (complete) completions.set(variable.name.value, complete)
    }
  }
  return completions
}

/** @param begun the completions of types around this one: input objects may hold themselves */
function completionOf(type: GraphQLInputType, begun: Map<GraphQLInputType, Complete>): Complete | undefined {
  const input = getNullableType(type)
  if (isListType(input)) {
    const complete = completionOf(input.ofType, begun)
    return complete && (value => (Array.isArray(value) ? value.map(complete) : complete(value)))
  }
  if (!isInputObjectType(input)) return undefined
  const known = begun.get(input)
  if (known) return known
  const defaults: [name: string, value: unknown][] = []
  const inner: [name: string, complete: Complete][] = []
  const complete: Complete = value => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const completed: Record<string, unknown> = { ...Object.fromEntries(defaults), ...value }
    for (const [name, completeField] of inner)
      if (completed[name] != null) completed[name] = completeField(completed[name])
    return completed
  }
  begun.set(input, complete)
  for (const { name, type: fieldType, defaultValue } of Object.values(input.getFields())) {
    const node =
      isNonNullType(fieldType) && defaultValue !== undefined && astFromValue(defaultValue, fieldType)
    if (node) defaults.push([name, valueFromASTUntyped(node)])
    const completeField = completionOf(fieldType, begun)
    if (completeField) inner.push([name, completeField])
  }
  return defaults.length > 0 || inner.length > 0 ? complete : undefined
}
