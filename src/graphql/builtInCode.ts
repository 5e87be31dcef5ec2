import {
  extractExtensionsFromSchema,
  getDocumentNodeFromSchema,
  getResolversFromSchema,
  type IResolvers,
  type SchemaExtensions,
} from '@graphql-tools/utils'
import { type DefinitionNode, type DocumentNode, type GraphQLSchema, Kind } from 'graphql'
import { withDirectiveName } from './directiveName.ts'
import { refuseMisplaced } from './misplaced.ts'

/** A schema in parts that can be merged with Annul's own. */
export interface SchemaParts {
  readonly typeDefs: DocumentNode
  readonly resolvers: IResolvers
  /** `extensions.auth` among them. */
  readonly extensions: SchemaExtensions
}

/**
 * Takes a schema apart that was built in code. An object type of Annul's name with nothing but `id` is a reference to
 * Annul's, by which a field can return a User: code has no `extend type`.
 *
 * @param ourTypes the names of Annul's types
 * @param directive what `@auth` is called, without the `@`
 * @throws SchemaError for a guard that stands where nothing enforces it
 */
export function partsOf(schema: GraphQLSchema, ourTypes: readonly string[], directive: string): SchemaParts {
  // Before the schema is taken apart, because a merge does not keep the extensions of every place.
  refuseMisplaced(withDirectiveName(schema, directive))
  const { definitions } = getDocumentNodeFromSchema(schema)
  const references = definitions.flatMap(definition => referenceIn(definition, ourTypes))
  const resolvers = Object.entries(getResolversFromSchema(schema))
  return {
    typeDefs: {
      kind: Kind.DOCUMENT,
      definitions: definitions.filter(definition => referenceIn(definition, ourTypes).length === 0),
    },
    resolvers: Object.fromEntries(resolvers.filter(([type]) => !references.includes(type))),
    extensions: extractExtensionsFromSchema(schema),
  }
}

function referenceIn(definition: DefinitionNode, ourTypes: readonly string[]): readonly string[] {
  if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return []
  const name = definition.name.value
  const fields = definition.fields?.map(field => field.name.value) ?? []
  return ourTypes.includes(name) && fields.length === 1 && fields[0] === 'id' ? [name] : []
}
