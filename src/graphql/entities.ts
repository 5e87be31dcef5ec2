import {
  defaultTypeResolver,
  type GraphQLResolveInfo,
  isInterfaceType,
  isObjectType,
  isUnionType,
} from 'graphql'
import { badUserInput } from '../errors.ts'
import type { GraphQLContext } from '../request/context.ts'
import { readSession, readUser, viewerOf } from './readForViewer.ts'
import { type ResolveReference, referencesOf } from './references.ts'

/* `_entities`, by which a gateway looks up objects: a list of references, each answered or refused by itself. */

/** An object of Annul's as a gateway refers to it. A client can send it as well, so only the id is read. */
type Reference = object & { readonly id?: unknown }

/** How Annul's own types are looked up: as `user(id)` and `sessions` are asked for. By Annul's names. */
export const ownReferences: Readonly<Record<string, ResolveReference<GraphQLContext>>> = {
  User: async (reference, { auth }) => readUser(auth, await viewerOf(auth), idOf(reference), argument),
  Session: async (reference, { auth }) => readSession(auth, await viewerOf(auth), idOf(reference), argument),
}

const argument = 'representations'

function idOf({ id }: Reference): string {
  return typeof id === 'string' ? id : ''
}

/** The type of an object that was looked up. Not written into the object, which may be frozen, or cached by an app. */
const typeNames = new WeakMap<object, string>()

export const entityResolvers = {
  Query: {
    // Each item is a promise of its own: a refusal is null and an error at that index, and not for the list.
    _entities: (
      _: unknown,
      { representations }: { readonly representations: readonly unknown[] },
      context: GraphQLContext,
      info: GraphQLResolveInfo,
    ) => representations.map(reference => lookUp(reference, context, info)),
  },
  _Entity: {
    __resolveType: (found: object) => typeNames.get(found),
  },
}

async function lookUp(
  reference: unknown,
  context: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<unknown> {
  const type = entityTypeOf(reference, info)
  if (type === undefined)
    throw badUserInput(argument, 'TYPE_UNKNOWN', 'This is not a reference to an object of this subgraph.')
  const resolveReference = referencesOf<GraphQLContext>(type)
  const found = resolveReference ? await resolveReference(Object(reference), context, info) : reference
  if (typeof found !== 'object' || found === null) return null
  const name = isInterfaceType(type)
    ? await (type.resolveType ?? defaultTypeResolver)(found, context, info, type)
    : type.name
  // A copy where an app gives one object back for two types.
  const object = typeNames.has(found) && typeNames.get(found) !== name ? { ...found } : found
  if (name !== undefined) typeNames.set(object, name)
  return object
}

/** Only a type with a key: a client must not make up the source of any other. */
function entityTypeOf(reference: unknown, { schema }: GraphQLResolveInfo) {
  const type = schema.getType(String(Object(reference).__typename))
  const entity = schema.getType('_Entity')
  if (!isUnionType(entity) || (!isObjectType(type) && !isInterfaceType(type))) return undefined
  const members = isInterfaceType(type) ? schema.getPossibleTypes(type) : [type]
  return members.length > 0 && members.every(member => schema.isSubType(entity, member)) ? type : undefined
}
