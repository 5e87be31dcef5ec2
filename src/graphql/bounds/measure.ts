import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql'
import { longestListIn, sizeAskedFor, type Variables } from './listSizes.ts'

/** How much an operation asks for. A fragment counts wherever it is spread. */
export interface Measure {
  /** Levels of fields, without those of an introspection. */
  depth: number
  /** Levels of fields from `__schema` or `__type` on. */
  introspectionDepth: number
  aliases: number
  directives: number
  /** Fields, each as often as the lists around it are long. */
  cost: number
  /** Fields of the first level. */
  fields: number
  /** Of these, those that check or set a credential. */
  credentials: number
}

/** What was found in a document. */
export interface Measured {
  readonly operations: readonly (Measure & { readonly isMutation: boolean })[]
  /** The items of the longest list in an argument or in the default of a variable. */
  readonly longestList: number
  /** Whether other variables may give another measure. */
  readonly dependsOnVariables: boolean
  /** Selections that were looked at: each of the document once, however often its fragment is spread. */
  readonly visits: number
}

export interface MeasureOptions {
  readonly schema: GraphQLSchema
  readonly variables: Variables
  readonly isCredential: (field: string) => boolean
}

/**
 * Measures each operation of a document in one walk, whose length is that of the document. Each fragment is measured once,
 * so that fragments of fragments, each spread twice, are not walked 2^n times. The document need not be valid: a fragment
 * that contains itself counts nothing within itself.
 */
export function measure(document: DocumentNode, options: MeasureOptions): Measured {
  return new Walk(document, options).measured()
}

class Walk {
  readonly #document: DocumentNode
  readonly #options: MeasureOptions
  readonly #fragments = new Map<string, FragmentDefinitionNode>()
  /** Undefined while a fragment is being measured. */
  readonly #known = new Map<string, Measure | undefined>()
  /** The defaults of variables. Of one name in several operations, the one that asks for the longest list. */
  readonly #defaults = new Map<string, number>()
  #longestList = 0
  #dependsOnVariables = false
  #visits = 0

  constructor(document: DocumentNode, options: MeasureOptions) {
    this.#document = document
    this.#options = options
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition)
      if (definition.kind === Kind.OPERATION_DEFINITION) this.#readDefaults(definition)
    }
  }

  measured(): Measured {
    const operations = this.#document.definitions
      .filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
      .map(operation => ({
        ...this.#operation(operation),
        isMutation: operation.operation === 'mutation',
      }))
    return {
      operations,
      longestList: this.#longestList,
      dependsOnVariables: this.#dependsOnVariables,
      visits: this.#visits,
    }
  }

  #operation({ operation, selectionSet, directives, variableDefinitions = [] }: OperationDefinitionNode) {
    const type = this.#options.schema.getRootType(operation)
    const total = this.#selections(selectionSet, type ?? undefined)
    this.#count(total, directives)
    for (const variable of variableDefinitions) this.#count(total, variable.directives)
    return total
  }

  #readDefaults({ variableDefinitions = [] }: OperationDefinitionNode): void {
    for (const { variable, defaultValue } of variableDefinitions) {
      if (!defaultValue) continue
      this.#longestList = Math.max(this.#longestList, longestListIn(defaultValue))
      const name = variable.name.value
      const size = Number('value' in defaultValue ? defaultValue.value : 0)
      if (size > (this.#defaults.get(name) ?? 0)) this.#defaults.set(name, size)
    }
  }

  readonly #readVariable = (variable: string): unknown => {
    this.#dependsOnVariables = true
    const given = this.#options.variables[variable]
    return given === undefined ? this.#defaults.get(variable) : given
  }

  #selections({ selections }: SelectionSetNode, type: GraphQLNamedType | undefined): Measure {
    const total = nothing()
    for (const selection of selections) {
      this.#visits++
      add(total, this.#selection(selection, type))
      this.#count(total, selection.directives)
    }
    return total
  }

  #selection(selection: SelectionNode, type: GraphQLNamedType | undefined): Measure {
    switch (selection.kind) {
      case Kind.FIELD:
        return this.#field(selection, type)
      case Kind.INLINE_FRAGMENT: {
        const { typeCondition, selectionSet } = selection
        return this.#selections(
          selectionSet,
          typeCondition ? this.#options.schema.getType(typeCondition.name.value) : type,
        )
      }
      case Kind.FRAGMENT_SPREAD:
        return this.#fragment(selection.name.value)
    }
  }

  #field(node: FieldNode, type: GraphQLNamedType | undefined): Measure {
    const name = node.name.value
    const field = fieldOf(type, name)
    const inner = node.selectionSet
      ? this.#selections(node.selectionSet, field && getNamedType(field.type))
      : nothing()
    this.#lists(node.arguments)
    const isIntrospection = name === SchemaMetaFieldDef.name || name === TypeMetaFieldDef.name
    const depth = inner.depth + 1
    return {
      depth: isIntrospection ? 0 : depth,
      introspectionDepth: Math.max(inner.introspectionDepth, isIntrospection ? depth : 0),
      aliases: inner.aliases + (node.alias ? 1 : 0),
      directives: inner.directives,
      cost: 1 + inner.cost * sizeAskedFor(node, field, this.#readVariable),
      fields: 1,
      credentials: this.#options.isCredential(name) ? 1 : 0,
    }
  }

  #fragment(name: string): Measure {
    if (this.#known.has(name)) return this.#known.get(name) ?? nothing()
    this.#known.set(name, undefined)
    const fragment = this.#fragments.get(name)
    if (!fragment) return nothing()
    const { typeCondition, selectionSet, directives } = fragment
    const total = this.#selections(selectionSet, this.#options.schema.getType(typeCondition.name.value))
    this.#count(total, directives)
    this.#known.set(name, total)
    return total
  }

  #count(total: Measure, directives: readonly DirectiveNode[] = []): void {
    total.directives += directives.length
    for (const directive of directives) this.#lists(directive.arguments)
  }

  #lists(given: readonly ArgumentNode[] = []): void {
    for (const { value } of given) this.#longestList = Math.max(this.#longestList, longestListIn(value))
  }
}

function nothing(): Measure {
  return { depth: 0, introspectionDepth: 0, aliases: 0, directives: 0, cost: 0, fields: 0, credentials: 0 }
}

function add(total: Measure, one: Measure): void {
  total.depth = Math.max(total.depth, one.depth)
  total.introspectionDepth = Math.max(total.introspectionDepth, one.introspectionDepth)
  total.aliases += one.aliases
  total.directives += one.directives
  total.cost += one.cost
  total.fields += one.fields
  total.credentials += one.credentials
}

function fieldOf(type: GraphQLNamedType | undefined, name: string) {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
}
