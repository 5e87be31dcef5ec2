import type { GraphQLScalarType } from 'graphql'
import { GraphQLDateTimeISO } from 'graphql-scalars'

const { serialize, parseValue, parseLiteral } = GraphQLDateTimeISO

/**
 * The behaviour of DateTime: RFC 3339, sent in UTC, accepted with any offset. Only the functions are taken from the
 * package, because its whole scalar would replace the SDL's name and description.
 */
export const dateTime = { serialize, parseValue, parseLiteral } as GraphQLScalarType
