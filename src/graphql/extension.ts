import type { IResolvers } from '@graphql-tools/utils'
import { type ASTNode, type DocumentNode, Kind, type NameNode, print, visit } from 'graphql'
import { fieldsOf, rootTypes, typesOf } from './contract.ts'
import type { CheckedRename } from './rename.ts'
import { argumentTypes, SchemaError } from './requirements.ts'

/* Checks an app's SDL and resolvers before they are merged with Annul's own. */

/**
 * Refuses what an app declares and Annul has, and shows the renaming by which both can be had. The two declarations would
 * be merged, `@auth` included: an app that meant to guard `revokeEverything` more narrowly would open it, and an app's
 * own `User` would get Annul's fields.
 *
 * @param contract Annul's own SDL, under the names that `rename` gives
 * @throws SchemaError with the names
 */
export function refuseRedeclared(
  contract: readonly DocumentNode[],
  added: readonly DocumentNode[],
  rename: CheckedRename,
): void {
  const theirTypes = new Set(typesOf(added).filter(name => !rootTypes.includes(name)))
  const types = typesOf(contract).filter(name => theirTypes.has(name))
  const theirFields = new Set(fieldsOf(added))
  const fields = fieldsOf(contract).filter(
    field => theirFields.has(field) && !types.includes(field.split('.')[0] ?? ''),
  )
  const directive = findForeignDirective(added, rename.directive)
  const names = [...(directive ? [directive] : []), ...types, ...fields]
  if (names.length === 0) return
  const hint = hintFor({ types, fields, directive: directive !== undefined }, rename)
  throw new SchemaError(
    `${names.join(', ')}: ${names.length === 1 ? 'this name is' : 'these names are'} Annul's own, ` +
      `and can't be declared once more. Leave the declaration out to use Annul's. ` +
      `To have both, give Annul's another name, by an option of createAuth: ${hint}`,
  )
}

/** The renaming to write, in Annul's own names, whatever they are renamed to already. */
function hintFor(
  clash: {
    readonly types: readonly string[]
    readonly fields: readonly string[]
    readonly directive: boolean
  },
  rename: CheckedRename,
): string {
  const formerType = formerNames(rename.types)
  const formerField = formerNames(
    new Map([...rename.fields].map(([field, to]) => [field, `${field.split('.')[0]}.${to}`])),
  )
  const types = clash.types.map(name => `${formerType(name)}: 'Auth${name}'`)
  const fields = clash.fields.map(place => {
    const [type = '', name = ''] = place.split('.')
    return `'${formerField(`${formerType(type)}.${name}`)}': 'auth${name.replace(/^./, letter => letter.toUpperCase())}'`
  })
  const options = [
    ...(types.length > 0 ? [`types: { ${types.join(', ')} }`] : []),
    ...(clash.directive ? [`directive: 'requires'`] : []),
    ...(fields.length > 0 ? [`fields: { ${fields.join(', ')} }`] : []),
  ]
  return `rename: { ${options.join(', ')} }`
}

function formerNames(renamed: ReadonlyMap<string, string>): (name: string) => string {
  const former = new Map([...renamed].map(([name, to]) => [to, name]))
  return name => former.get(name) ?? name
}

/** A directive of Annul's name that takes something else. An app may declare Annul's own once more, for its editor. */
function findForeignDirective(added: readonly DocumentNode[], name: string): string | undefined {
  for (const { definitions } of added)
    for (const definition of definitions)
      if (
        definition.kind === Kind.DIRECTIVE_DEFINITION &&
        definition.name.value === name &&
        definition.arguments?.some(argument => argumentTypes[argument.name.value] !== print(argument.type))
      )
        return `@${name}`
  return undefined
}

/**
 * Refuses an app's resolver for what is Annul's own. It would replace Annul's: that of `User.email`, for example, by
 * which Annul checks who may read the e-mail.
 *
 * @throws SchemaError with the resolver
 */
export function refuseReplaced(contract: readonly DocumentNode[], added: readonly IResolvers[]): void {
  const ourTypes = typesOf(contract)
  const ourFields = fieldsOf(contract)
  const withFields = new Set(ourFields.map(field => field.split('.')[0]))
  for (const [type, ofType] of added.flatMap(resolvers => Object.entries(resolvers))) {
    const replaced = Object.keys(Object(ofType)).map(name => `${type}.${name}`)
    const place = withFields.has(type)
      ? replaced.find(field => ourFields.includes(field) || (ourTypes.includes(type) && isReference(field)))
      : ourTypes.find(name => name === type)
    if (place !== undefined)
      throw new SchemaError(`resolvers: ${place} is Annul's own, and its resolver can't be replaced.`)
  }
}

/** By which a gateway looks up objects of Annul's, and the viewer's right to them is checked. */
function isReference(field: string): boolean {
  return field.endsWith('.__resolveReference')
}

const carriers: readonly string[] = [
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.OBJECT_TYPE_EXTENSION,
  Kind.FIELD_DEFINITION,
]

/**
 * An error about the first `@auth` that is neither on an object type nor on a field, or has an unknown argument.
 *
 * @param name what `@auth` is called here, without the `@`
 */
export function findMisplaced(typeDefs: readonly DocumentNode[], name: string): SchemaError | undefined {
  let found: SchemaError | undefined
  for (const document of typeDefs)
    visit(document, {
      Directive(directive, _key, _parent, _path, ancestors) {
        if (directive.name.value !== name) return
        const around = ancestors.filter(isNamed)
        const place = around.map(({ name }) => name.value).join('.') || 'schema'
        const unknown = directive.arguments?.find(
          argument => !Object.hasOwn(argumentTypes, argument.name.value),
        )
        if (!carriers.includes(around.at(-1)?.kind ?? ''))
          found ??= new SchemaError(
            `@${name} on ${place}: only an object type or a field of one can be guarded.`,
          )
        else if (unknown)
          found ??= new SchemaError(`@${name} on ${place}: there is no argument "${unknown.name.value}".`)
      },
    })
  return found
}

type Named = ASTNode & { name: NameNode }

function isNamed(node: ASTNode | readonly ASTNode[]): node is Named {
  return 'name' in node && node.name !== undefined
}
