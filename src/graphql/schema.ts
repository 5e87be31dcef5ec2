import { makeExecutableSchema } from '@graphql-tools/schema'
import type { IResolvers } from '@graphql-tools/utils'
import { type DocumentNode, type GraphQLSchema, parse } from 'graphql'
import { refuseUnknownOptions } from '../names.ts'
import { partsOf } from './builtInCode.ts'
import { readContract, typesOf } from './contract.ts'
import { guardSchema } from './directive.ts'
import { findMisplaced, refuseRedeclared, refuseReplaced } from './extension.ts'
import { federate, readSubgraphOptions, type SubgraphOptions } from './federation.ts'
import { type CheckedRename, checkRename, type Rename } from './rename.ts'
import { renameContract, renameResolvers } from './renameContract.ts'
import { resolvers } from './resolvers.ts'
import { stitchingContract, stitchingResolvers } from './stitching.ts'
import { traceVerbs } from './traceOperation.ts'

/** What an app adds to Annul's own schema. */
export interface SchemaExtension {
  /** SDL. `extend type Query { … }` adds fields, and any of them may carry `@auth`. */
  readonly typeDefs?: string | DocumentNode | readonly (string | DocumentNode)[]
  readonly resolvers?: IResolvers | readonly IResolvers[]
  /**
   * Schemas that are built in code, by Pothos for example. `extensions: { auth: … }` guards. A type of Annul's name with
   * nothing but `id` stands for Annul's, so that a field can return a User.
   */
  readonly schemas?: readonly GraphQLSchema[]
  /**
   * Whether the schema is a subgraph of Apollo Federation 2 (docs/federation.md), and which directives tell a gateway of
   * guards. Default: ANNUL_FEDERATION.
   */
  readonly federation?: boolean | SubgraphOptions
  /**
   * Whether the schema has `_users`, by which a gateway that stitches schemas merges User. Default: false; of Annul's own
   * server (`annul serve`, `startServer`): true, unless it is a subgraph of federation.
   */
  readonly stitching?: boolean
}

/** How Annul's part of the schema looks. */
export interface SchemaOptions {
  /** Other names for what Annul has in the schema. */
  readonly rename?: Rename
}

/**
 * Annul's schema, merged with an app's, with every `@auth` enforced.
 *
 * @throws SchemaError, or graphql's own error about the SDL
 * @throws TypeError for an unknown option, and for a renaming that can't be
 */
export function buildSchema(extension: SchemaExtension = {}, options: SchemaOptions = {}): GraphQLSchema {
  refuseUnknownOptions('auth.schema', extension, [
    ...['typeDefs', 'resolvers', 'schemas', 'federation', 'stitching'],
  ])
  const contract = readContract()
  const rename = checkRename(contract, options.rename)
  return guardSchema(makeSchema(extension, contract, rename), { directive: rename.directive })
}

function makeSchema(
  extension: SchemaExtension,
  own: readonly DocumentNode[],
  rename: CheckedRename,
): GraphQLSchema {
  const contract = renameContract(extension.stitching ? [...own, stitchingContract] : own, rename)
  const inCode = (extension.schemas ?? []).map(schema => partsOf(schema, typesOf(contract), rename.directive))
  const sources = asList(extension.typeDefs).filter(text => text !== '')
  const added = [
    ...sources.map(source => (typeof source === 'string' ? parse(source) : source)),
    ...inCode.map(({ typeDefs }) => typeDefs),
  ]
  const addedResolvers = [...inCode.map(parts => parts.resolvers), ...asList(extension.resolvers)]
  refuseRedeclared(contract, added, rename)
  refuseReplaced(contract, addedResolvers)
  const ownResolvers = [
    renameResolvers(traceVerbs(resolvers) as IResolvers, rename),
    ...(extension.stitching ? [stitchingResolvers] : []),
  ]
  const options = readSubgraphOptions(extension.federation)
  const subgraph = options && federate(contract, added, addedResolvers, rename, options)
  try {
    return makeExecutableSchema({
      typeDefs: [...(subgraph?.typeDefs ?? [...contract, ...added])],
      resolvers: [...ownResolvers, ...addedResolvers, subgraph?.resolvers ?? {}],
      schemaExtensions: [...inCode, ...(subgraph ? [subgraph] : [])].map(({ extensions }) => extensions),
      resolverValidationOptions: { requireResolversToMatchSchema: 'error' },
    })
  } catch (error) {
    // graphql refuses a misplaced @auth without saying where it is.
    throw findMisplaced(added, rename.directive) ?? error
  }
}

function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}
