import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeExecutableSchema } from '@graphql-tools/schema'
import type { IResolvers } from '@graphql-tools/utils'
import { type DocumentNode, type GraphQLSchema, parse } from 'graphql'
import { packageFolder } from '../packageFolder.ts'
import { guardSchema } from './directive.ts'
import { findMisplaced, refuseRedeclared } from './extension.ts'
import { resolvers } from './resolvers.ts'

/** What an app adds to Annul's own schema. */
export interface SchemaExtension {
  /** SDL. `extend type Query { … }` adds fields, and any of them may carry `@auth`. */
  readonly typeDefs?: string | DocumentNode | readonly (string | DocumentNode)[]
  readonly resolvers?: IResolvers | readonly IResolvers[]
}

/**
 * Annul's schema, merged with an app's, with every `@auth` enforced.
 *
 * @throws SchemaError, or graphql's own error about the SDL
 */
export function buildSchema(extension: SchemaExtension = {}): GraphQLSchema {
  return guardSchema(makeSchema(extension))
}

function makeSchema(extension: SchemaExtension): GraphQLSchema {
  const contract = readContract()
  const added = asList(extension.typeDefs)
    .filter(text => text !== '')
    .map(source => (typeof source === 'string' ? parse(source) : source))
  refuseRedeclared(contract, added)
  try {
    return makeExecutableSchema({
      typeDefs: [...contract, ...added],
      resolvers: [resolvers as IResolvers, ...asList(extension.resolvers)],
      resolverValidationOptions: { requireResolversToMatchSchema: 'error' },
    })
  } catch (error) {
    // graphql refuses a misplaced @auth without saying where it is.
    throw findMisplaced(added) ?? error
  }
}

function readContract(): DocumentNode[] {
  const folder = packageFolder('schema')
  return readdirSync(folder)
    .filter(file => file.endsWith('.graphql'))
    .sort()
    .map(file => parse(readFileSync(join(folder, file), 'utf8')))
}

function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}
