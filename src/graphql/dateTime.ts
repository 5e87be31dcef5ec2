import type { GraphQLScalarType } from 'graphql'
import { GraphQLDateTimeISO } from 'graphql-scalars'

const { serialize, parseValue, parseLiteral } = GraphQLDateTimeISO

/**
 * The behaviour of DateTime: RFC 3339, sent in UTC, received with any offset. The name and the description are the SDL's:
 * a whole scalar of a package would be served under the package's name.
 */
export const dateTime = { serialize, parseValue, parseLiteral } as GraphQLScalarType
