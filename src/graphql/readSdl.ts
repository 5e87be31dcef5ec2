import { makeExecutableSchema } from '@graphql-tools/schema'
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
  Source,
  specifiedDirectives,
  specifiedScalarTypes,
  visit,
} from 'graphql'
import { readContract, typesOf } from './contract.ts'
import { withDirectiveName } from './directiveName.ts'
import { findMisplaced } from './extension.ts'
import { checkRename } from './rename.ts'
import { renameContract } from './renameContract.ts'
import { SchemaError } from './requirements.ts'
import { buildSchema } from './schema.ts'

/** A file of SDL. */
export interface SdlFile {
  readonly name: string
  readonly text: string
}

/**
 * The schema of SDL files, for a look at its guards. Files that are complete, such as a printed schema, are taken as they
 * are. Files that need Annul's types, such as an app's `extend type Query`, are merged with Annul's own SDL. `@auth` may
 * be declared or not. Directives of other packages, such as federation's, are left out.
 *
 * @param directive what `@auth` is called in the files, without the `@`
 * @throws SchemaError with the file, the place or graphql's own reason
 */
export function readSdl(files: readonly SdlFile[], directive: string): GraphQLSchema {
  const documents = files.map(file => withoutOthers(parseFile(file), directive))
  const rename = checkRename(readContract(), { directive })
  try {
    if (!isComplete(documents)) return buildSchema({ typeDefs: documents }, { rename: { directive } })
    const declared = documents.some(({ definitions }) =>
      definitions.some(({ kind, ...rest }) => kind === Kind.DIRECTIVE_DEFINITION && isNamed(rest, directive)),
    )
    const typeDefs = declared
      ? documents
      : [declarationOf(renameContract(readContract(), rename)), ...documents]
    return withDirectiveName(makeExecutableSchema({ typeDefs }), directive)
  } catch (error) {
    if (error instanceof SchemaError) throw error
    throw (
      findMisplaced(documents, directive) ??
      new SchemaError(error instanceof Error ? error.message : `${error}`)
    )
  }
}

function parseFile({ name, text }: SdlFile): DocumentNode {
  try {
    return parse(new Source(text, name))
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    const [{ line, column } = { line: 1, column: 1 }] = error.locations ?? []
    throw new SchemaError(`${name}:${line}:${column}: ${error.message}`)
  }
}

/** They say nothing about guards, and a file of a subgraph does not declare them. */
function withoutOthers(document: DocumentNode, directive: string): DocumentNode {
  const kept = [directive, ...specifiedDirectives.map(({ name }) => name)]
  return visit(document, {
    Directive: ({ name }) => (kept.includes(name.value) ? undefined : null),
  })
}

/** Whether the documents define the queries, and every type that they extend or refer to. */
function isComplete(documents: readonly DocumentNode[]): boolean {
  const defined = new Set([...typesOf(documents), ...specifiedScalarTypes.map(({ name }) => name)])
  let hasQueries = defined.has('Query')
  let isClosed = true
  for (const document of documents)
    visit(document, {
      SchemaDefinition: () => {
        hasQueries = true
      },
      NamedType({ name }) {
        isClosed &&= defined.has(name.value)
      },
      enter(node) {
        if (/TypeExtension$/.test(node.kind) && 'name' in node && typeof node.name === 'object')
          isClosed &&= defined.has(node.name.value)
      },
    })
  return hasQueries && isClosed
}

function declarationOf(contract: readonly DocumentNode[]): DocumentNode {
  const definitions = contract.flatMap(document =>
    document.definitions.filter(({ kind }) => kind === Kind.DIRECTIVE_DEFINITION),
  )
  return { kind: Kind.DOCUMENT, definitions }
}

function isNamed(definition: object, name: string): boolean {
  return 'name' in definition && (definition.name as { value?: string } | undefined)?.value === name
}
