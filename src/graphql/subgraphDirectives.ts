/* Apollo Federation's directives, as far as a schema must know them that only reads them. */

/** The version that Annul's subgraph asks for. */
export const federationUrl = 'https://specs.apollo.dev/federation/v2.9'

/** What `@auth` means, by an identity of its own: `@composeDirective` carries it into the supergraph. */
export const annulUrl = 'https://example.com/annul/annul/v1.0'

const everywhere =
  'FIELD_DEFINITION | INTERFACE | OBJECT | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION'
const guardable = 'FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM'

/**
 * The declarations by the directives' names. The scalars of federation's own declarations are texts here, so that the
 * schema has no types for them. `_service { sdl }` has no declarations: `@link` imports them.
 */
export const federationDirectives: Readonly<Record<string, string>> = {
  key: '(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE',
  shareable: 'repeatable on FIELD_DEFINITION | OBJECT',
  external: '(reason: String) on OBJECT | FIELD_DEFINITION',
  requires: '(fields: String!) on FIELD_DEFINITION',
  provides: '(fields: String!) on FIELD_DEFINITION',
  override: '(from: String!, label: String) on FIELD_DEFINITION',
  interfaceObject: 'on OBJECT',
  extends: 'on OBJECT | INTERFACE',
  inaccessible: `on ${everywhere}`,
  tag: `(name: String!) repeatable on ${everywhere}`,
  authenticated: `on ${guardable}`,
  requiresScopes: `(scopes: [[String!]!]!) on ${guardable}`,
  policy: `(policies: [[String!]!]!) on ${guardable}`,
  context: '(name: String!) repeatable on INTERFACE | OBJECT | UNION',
  fromContext: '(field: String) on ARGUMENT_DEFINITION',
  cost: '(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR',
  listSize:
    '(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION',
}
