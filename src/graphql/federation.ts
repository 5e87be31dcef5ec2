import type { IResolvers, SchemaExtensions } from '@graphql-tools/utils'
import { type DocumentNode, type GraphQLSchema, getNamedType, parse, visit } from 'graphql'
import { refuseUnknownOptions } from '../names.ts'
import { type SubgraphSecurity, securities } from './contractFormats.ts'
import { entityResolvers, ownReferences } from './entities.ts'
import { keyedTypes, refuseLinks } from './keyedTypes.ts'
import { extensionsWith, type ResolveReference } from './references.ts'
import type { CheckedRename } from './rename.ts'
import { withSecurity } from './securityDirectives.ts'
import { federationDirectives } from './subgraphDirectives.ts'
import { printSubgraph, subgraphContract, usedDirectives } from './subgraphSdl.ts'

/* A subgraph of Apollo Federation 2: what stands beside the schema, so that a gateway can compose it and ask it. */

/** How a schema is a subgraph. */
export interface SubgraphOptions {
  /**
   * The directives that tell a gateway what `@auth` asks for. `annul`: `@auth`, which is composed into the supergraph.
   * `apollo`: `@authenticated`, `@requiresScopes` and `@policy` beside it. Default: `annul`.
   */
  readonly security?: SubgraphSecurity
}

/**
 * @param given of any type: the option `federation`
 * @returns undefined where the schema is no subgraph
 * @throws TypeError
 */
export function readSubgraphOptions(given: unknown): SubgraphOptions | undefined {
  if (given === undefined || given === false) return undefined
  if (given === true) return {}
  if (typeof given !== 'object' || given === null)
    throw new TypeError('The option "federation" must be true, false or { security }.')
  refuseUnknownOptions('federation', given, ['security'])
  const { security }: SubgraphOptions = given
  if (security !== undefined && !securities.includes(security))
    throw new TypeError(`The option "federation.security" must be one of ${securities.join(', ')}.`)
  return given
}

/** What makeExecutableSchema gets. */
interface Subgraph {
  readonly typeDefs: readonly DocumentNode[]
  readonly resolvers: IResolvers
  readonly extensions: SchemaExtensions
}

/**
 * Adds `_service` and `_entities`.
 *
 * @param own Annul's part, under the names that `rename` gives
 * @param added the app's part
 * @param addedResolvers the app's, whose `__resolveReference` look up the app's types
 * @throws SchemaError for a `@link` to federation, which Annul's part has
 */
export function federate(
  own: readonly DocumentNode[],
  added: readonly DocumentNode[],
  addedResolvers: readonly IResolvers[],
  rename: CheckedRename,
  { security = 'annul' }: SubgraphOptions,
): Subgraph {
  refuseLinks(added)
  const secured = (part: readonly DocumentNode[]) => withSecurity(part, rename.directive, security)
  const contract = secured(subgraphContract(own, rename))
  const extension = secured(added)
  const documents = [...contract, ...extension]
  const sdl = printSubgraph(contract, extension, rename.directive)
  const references = new Map(
    Object.entries(ownReferences).map(([type, resolve]) => [rename.types.get(type) ?? type, resolve]),
  )
  for (const [type, ofType] of addedResolvers.flatMap(resolvers => Object.entries(resolvers))) {
    const { __resolveReference: resolve } = Object(ofType) as { __resolveReference?: ResolveReference<never> }
    if (resolve) references.set(type, resolve as never)
  }
  return {
    typeDefs: [...documents.map(withoutLinks), parse(machinery(documents))],
    resolvers: {
      ...entityResolvers,
      Query: { ...entityResolvers.Query, _service: () => ({ sdl }) },
    } as IResolvers,
    extensions: {
      schemaExtensions: {},
      types: Object.fromEntries(
        [...references].map(([name, resolve]) => [
          name,
          { type: 'object' as const, fields: {}, extensions: extensionsWith({ extensions: {} }, resolve) },
        ]),
      ),
    },
  }
}

/** Whether a schema is a subgraph, built here or by another package. */
export function isSubgraph(schema: GraphQLSchema | undefined): boolean {
  const field = schema?.getQueryType()?.getFields()._service
  return field !== undefined && getNamedType(field.type).name === '_Service'
}

function machinery(documents: readonly DocumentNode[]): string {
  const declarations = usedDirectives(documents).map(
    name => `directive @${name} ${federationDirectives[name]}`,
  )
  return `
    ${declarations.join('\n')}
    scalar _Any
    type _Service { sdl: String! }
    union _Entity = ${keyedTypes(documents).join(' | ')}
    extend type Query {
      "Objects of this subgraph by their references, for a gateway."
      _entities(representations: [_Any!]!): [_Entity]!
      "This subgraph's SDL, for a gateway."
      _service: _Service!
    }`
}

/** Composition reads these, and the schema that answers has no use for them. */
function withoutLinks(document: DocumentNode): DocumentNode {
  return visit(document, {
    Directive: ({ name }) => (['link', 'composeDirective'].includes(name.value) ? null : undefined),
    SchemaExtension: {
      leave: node => (node.directives?.length || node.operationTypes?.length ? undefined : null),
    },
  })
}
