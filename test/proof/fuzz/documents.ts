import fc, { type GeneratorValue } from 'fast-check'
import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'

/* Operations within the grammar, made from the served schema: most values have the type that is asked for, some do not. */

/** Texts that mean something to the server, mixed with texts that mean nothing. */
export function texts(known: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom('', ...known),
    fc.constantFrom(...known).chain(mutated),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ maxLength: 300 }),
    fc.constantFrom(
      'a@b.example',
      'null',
      '\u0000',
      '𝒳'.repeat(30),
      '2026-01-01T00:00:00Z',
      '__proto__',
      '../..',
    ),
  )
}

/** A text in which something is not as it was. */
export function mutated(text: string): fc.Arbitrary<string> {
  const at = fc.nat(Math.max(0, text.length - 1))
  const letter = fc.constantFrom(...'aZ09-_.=%')
  return fc.oneof(
    fc.tuple(at, letter).map(([index, other]) => text.slice(0, index) + other + text.slice(index + 1)),
    at.map(index => text.slice(0, index)),
    at.map(index => text.slice(index)),
    fc.tuple(at, letter).map(([index, more]) => text.slice(0, index) + more + text.slice(index)),
    fc.constant(text + text),
    fc.constant([...text].reverse().join('')),
  )
}

/** @param known ids and tokens of the server */
export function operation(schema: GraphQLSchema, known: readonly string[], g: GeneratorValue): string {
  const kind = g(fc.constantFrom, 'query', 'mutation', 'query', 'subscription')
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }
  const type = root[kind as keyof typeof root]
  if (!isObjectType(type)) return '{ __typename }'
  const name = g(fc.constantFrom, '', ' Named', ' Named($a: String = "b", $b: Int! = 1)')
  return `${kind}${name} ${selection(g(fc.constantFrom, 1, 2, 4, 7))}${g(fc.constantFrom, '', '', ' fragment F on User { id ...F }')}`

  function selection(depth: number, of: unknown = type): string {
    if (!isCompositeType(getNamedType(of as never)) || depth === 0) return ''
    const fields = isObjectType(of) ? Object.values(of.getFields()) : []
    const chosen =
      fields.length === 0
        ? []
        : g(fc.subarray, fields, { minLength: 1, maxLength: Math.min(4, fields.length) })
    const lines = chosen.map(field => {
      const alias = g(fc.constantFrom, '', '', 'a: ', 'b: ')
      const given = field.args.filter(() => g(fc.nat, 9) > 0).map(pair)
      const within = selection(depth - 1, getNamedType(field.type))
      const directive = g(
        fc.constantFrom,
        '',
        '',
        '',
        ' @include(if: true)',
        ' @skip(if: $a)',
        ' @auth',
        ' @nothing',
      )
      return `${alias}${field.name}${given.length === 0 ? '' : `(${given.join(', ')})`}${directive} ${within}`
    })
    const more = g(fc.constantFrom, '', '', '__typename', '... { __typename }', '...F', 'nothing')
    return `{ ${lines.join(' ')} ${more} ${lines.length === 0 && more === '' ? 'id' : ''} }`
  }

  function pair(argument: GraphQLArgument | GraphQLInputField): string {
    return `${argument.name}: ${value(argument.type, 4)}`
  }

  function value(type: GraphQLInputType, depth: number): string {
    if (depth === 0 || g(fc.nat, 14) === 0) return anything()
    if (isNonNullType(type)) return value(type.ofType, depth)
    if (g(fc.nat, 14) === 0) return 'null'
    const inner = getNullableType(type)
    if (isListType(inner))
      return `[${Array.from({ length: g(fc.nat, 4) }, () => value(inner.ofType as GraphQLInputType, depth - 1)).join(', ')}]`
    if (isEnumType(inner)) return g(fc.constantFrom, ...inner.getValues().map(({ name }) => name), 'NOTHING')
    if (isInputObjectType(inner)) {
      const given = Object.values(inner.getFields()).filter(() => g(fc.nat, 9) > 0)
      return `{ ${given.map(pair).join(', ')} ${g(fc.constantFrom, '', '', '', 'nothing: 1')} }`
    }
    switch (inner.name) {
      case 'Int':
        return g(
          fc.constantFrom,
          '0',
          '1',
          '-1',
          '50',
          '100',
          '101',
          '2147483647',
          '-2147483648',
          '2147483648',
        )
      case 'Boolean':
        return String(g(fc.boolean))
      default:
        return JSON.stringify(g(texts, known))
    }
  }

  function anything(): string {
    return g(
      fc.constantFrom,
      ...[
        '1',
        '-1.5e300',
        '"text"',
        'true',
        'null',
        '[]',
        '{}',
        '$a',
        'NAME',
        '[[[[1]]]]',
        '{ a: { b: { c: [1] } } }',
      ],
      ...['"""block"""', '""', '99999999999999999999'],
    )
  }
}
