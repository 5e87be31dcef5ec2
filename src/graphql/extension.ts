import { type ASTNode, type DocumentNode, Kind, type NameNode, visit } from 'graphql'
import { SchemaError } from './requirements.ts'

/* Checks an app's SDL before it is merged with Annul's own. */

/**
 * Refuses an app's second declaration of a field of Annul's. The two would be merged, `@auth` included: an app that meant
 * to guard `revokeEverything` more narrowly would open it.
 *
 * @throws SchemaError with the field
 */
export function refuseRedeclared(contract: readonly DocumentNode[], added: readonly DocumentNode[]): void {
  const ours = new Set(contract.flatMap(fieldsOf))
  for (const field of added.flatMap(fieldsOf))
    if (ours.has(field))
      throw new SchemaError(`${field} is Annul's own field, and can't be declared once more.`)
}

function fieldsOf({ definitions }: DocumentNode): string[] {
  return definitions.flatMap(definition =>
    definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION
      ? (definition.fields ?? []).map(field => `${definition.name.value}.${field.name.value}`)
      : [],
  )
}

const carriers: readonly string[] = [
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.OBJECT_TYPE_EXTENSION,
  Kind.FIELD_DEFINITION,
]
const argumentNames = ['roles', 'scopes', 'maxAge']

/** An error about the first `@auth` that is neither on an object type nor on a field, or has an unknown argument. */
export function findMisplaced(typeDefs: readonly DocumentNode[]): SchemaError | undefined {
  let found: SchemaError | undefined
  for (const document of typeDefs)
    visit(document, {
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
