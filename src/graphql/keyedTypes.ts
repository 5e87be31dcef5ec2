import { type ConstDirectiveNode, type DocumentNode, Kind } from 'graphql'
import { SchemaError } from './requirements.ts'
import { federationUrl } from './subgraphDirectives.ts'

/* Reads from documents what a subgraph needs to know of them. */

/** The object types that a gateway may look up: those with a key that is not `resolvable: false`. */
export function keyedTypes(documents: readonly DocumentNode[]): readonly string[] {
  const names = documents.flatMap(({ definitions }) =>
    definitions.flatMap(definition =>
      (definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION) &&
      definition.directives?.some(isResolvable)
        ? [definition.name.value]
        : [],
    ),
  )
  return [...new Set(names)]
}

function isResolvable({ name, arguments: given = [] }: ConstDirectiveNode): boolean {
  const resolvable = given.find(argument => argument.name.value === 'resolvable')?.value
  return name.value === 'key' && !(resolvable?.kind === Kind.BOOLEAN && !resolvable.value)
}

/**
 * Refuses an app's `@link` to federation: two are one too many for composition.
 *
 * @throws SchemaError
 */
export function refuseLinks(added: readonly DocumentNode[]): void {
  for (const { definitions } of added)
    for (const definition of definitions) {
      if (definition.kind !== Kind.SCHEMA_DEFINITION && definition.kind !== Kind.SCHEMA_EXTENSION) continue
      if (definition.directives?.some(isLinkToFederation))
        throw new SchemaError(
          `@link to federation: leave it out. The one of Annul's part (${federationUrl}) imports every directive of ` +
            'federation that the typeDefs use, under its own name.',
        )
    }
}

function isLinkToFederation({ name, arguments: given = [] }: ConstDirectiveNode): boolean {
  const url = given.find(argument => argument.name.value === 'url')?.value
  return (
    name.value === 'link' &&
    url?.kind === Kind.STRING &&
    url.value.startsWith(federationUrl.replace(/v[\d.]+$/, ''))
  )
}
