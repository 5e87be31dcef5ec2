import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DocumentNode, Kind, parse } from 'graphql'
import { packageFolder } from '../packageFolder.ts'

/* Annul's own SDL, and what has a name in it. */

/** The types that an app and Annul fill together. */
export const rootTypes: readonly string[] = ['Query', 'Mutation', 'Subscription']

/** Annul's own SDL: `schema/*.graphql`. */
export function readContract(): readonly DocumentNode[] {
  const folder = packageFolder('schema')
  return readdirSync(folder)
    .filter(file => file.endsWith('.graphql'))
    .sort()
    .map(file => parse(readFileSync(join(folder, file), 'utf8')))
}

/** The types that documents define. Those that they only extend are left out. */
export function typesOf(documents: readonly DocumentNode[]): string[] {
  return documents.flatMap(({ definitions }) =>
    definitions.flatMap(definition =>
      typeDefinitions.includes(definition.kind) && 'name' in definition && definition.name
        ? [definition.name.value]
        : [],
    ),
  )
}

const typeDefinitions: readonly string[] = [
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.INTERFACE_TYPE_DEFINITION,
  Kind.UNION_TYPE_DEFINITION,
  Kind.INPUT_OBJECT_TYPE_DEFINITION,
  Kind.ENUM_TYPE_DEFINITION,
  Kind.SCALAR_TYPE_DEFINITION,
]

/** The fields of the object types that documents define or extend: `Query.me`. */
export function fieldsOf(documents: readonly DocumentNode[]): string[] {
  return documents.flatMap(({ definitions }) =>
    definitions.flatMap(definition =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION
        ? (definition.fields ?? []).map(field => `${definition.name.value}.${field.name.value}`)
        : [],
    ),
  )
}
