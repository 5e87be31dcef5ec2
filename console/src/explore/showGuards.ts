import type { IntrospectionQuery } from 'graphql'
import type { Guards } from './guards.ts'

/**
 * Puts what guards each field before its description, so that GraphiQL shows it beside the field: in the docs, and where
 * the pointer rests on a field of an operation.
 */
export function showGuards(introspection: IntrospectionQuery, guards: Guards): IntrospectionQuery {
  const { __schema: schema } = introspection
  return {
    __schema: {
      ...schema,
      types: schema.types.map(type =>
        type.kind === 'OBJECT'
          ? {
              ...type,
              fields: type.fields.map(field => {
                const guard = guards.get(`${type.name}.${field.name}`)
                if (guard === undefined) return field
                return { ...field, description: `${asMarkdown(guard)} ${field.description ?? ''}`.trim() }
              }),
            }
          : type,
      ),
    },
  }
}

/** In backticks nothing of a role's name is read as Markdown. */
function asMarkdown(guard: string): string {
  return `\`${guard.replaceAll('`', '’')}\``
}
