import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { makeExecutableSchema } from '@graphql-tools/schema'
import type { IResolvers } from '@graphql-tools/utils'
import {
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type NameNode,
  parse,
  visit,
} from 'graphql'
import { guardSchema, SchemaError } from './directive.ts'
import { resolvers } from './resolvers.ts'

/** What an app adds to Annul's own schema. */
export interface SchemaExtension {
  /** SDL; `extend type Query { … }` for its own fields, with `@auth` wherever it likes. */
  readonly typeDefs?: string | DocumentNode | readonly (string | DocumentNode)[]
  readonly resolvers?: IResolvers | readonly IResolvers[]
}

/**
 * Annul's schema, and an app's beside it, with every `@auth` enforced.
 *
 * @throws SchemaError, or graphql's own error about the SDL
 */
export function buildSchema(extension: SchemaExtension = {}): GraphQLSchema {
  return guardSchema(makeSchema(extension))
}

function makeSchema(extension: SchemaExtension): GraphQLSchema {
  try {
    return makeExecutableSchema({
      typeDefs: [...readContract(), ...asList(extension.typeDefs)],
      resolvers: [resolvers as IResolvers, ...asList(extension.resolvers)],
      resolverValidationOptions: { requireResolversToMatchSchema: 'error' },
    })
  } catch (error) {
    // graphql refuses a misplaced @auth, but does not say where it stands.
    throw findMisplaced(asList(extension.typeDefs)) ?? error
  }
}

function readContract(): string[] {
  const folder = fileURLToPath(new URL('../../schema/', import.meta.url))
  return readdirSync(folder)
    .filter(file => file.endsWith('.graphql'))
    .sort()
    .map(file => readFileSync(folder + file, 'utf8'))
}

function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}

const carriers: readonly string[] = [
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.OBJECT_TYPE_EXTENSION,
  Kind.FIELD_DEFINITION,
]
const argumentNames = ['roles', 'scopes', 'maxAge']

/** The first `@auth` that stands on something else than an object type or a field, or has an unknown argument. */
function findMisplaced(typeDefs: readonly (string | DocumentNode)[]): SchemaError | undefined {
  let found: SchemaError | undefined
  for (const source of typeDefs.filter(text => text !== ''))
    visit(typeof source === 'string' ? parse(source, { noLocation: true }) : source, {
      Directive(directive, _key, _parent, _path, ancestors) {
        if (directive.name.value !== 'auth') return
        const around = ancestors.filter(isNamed)
        const place = around.map(({ name }) => name.value).join('.') || 'schema'
        const unknown = directive.arguments?.find(({ name }) => !argumentNames.includes(name.value))
        if (!carriers.includes(around.at(-1)?.kind ?? ''))
          found ??= new SchemaError(
            `@auth on ${place}: only an object type or a field of one can be guarded.`,
          )
        else if (unknown)
          found ??= new SchemaError(`@auth on ${place}: there is no argument "${unknown.name.value}".`)
      },
    })
  return found
}

type Named = ASTNode & { name: NameNode }

function isNamed(node: ASTNode | readonly ASTNode[]): node is Named {
  return 'name' in node && node.name !== undefined
}
