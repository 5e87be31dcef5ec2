import {
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isRequiredInputField,
} from 'graphql'
import type { Kind, Viewer } from './examples.ts'

/** An id that belongs to nothing, so that an example that is run as it is ends nobody's session. */
const nobody = '00000000-0000-0000-0000-000000000000'

/**
 * A value for an argument or an input's field that must be given. Passwords and tokens are left for the person to type.
 *
 * @param kind a query is about the viewer, a mutation about nobody
 */
export function sampleOf(
  { name, type }: { readonly name: string; readonly type: GraphQLInputType },
  kind: Kind,
  viewer: Viewer | null,
): unknown {
  const nullable = getNullableType(type)
  if (isListType(nullable)) return []
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name
  if (isInputObjectType(nullable))
    return Object.fromEntries(
      Object.values(nullable.getFields())
        .filter(isRequiredInputField)
        .map(field => [field.name, sampleOf(field, kind, viewer)]),
    )
  switch (getNamedType(nullable).name) {
    case 'Boolean':
      return false
    case 'Int':
    case 'Float':
      return 1
    case 'ID':
      return (kind === 'query' && viewer?.id) || nobody
    case 'DateTime':
      return new Date(0).toISOString()
    default:
      return /email/i.test(name) ? (viewer?.email ?? 'ada@example.com') : ''
  }
}
