import { GraphQLSchema } from 'graphql'

/* What `@auth` is called in a schema: an app whose schema has another `@auth` gives Annul's a name of its own. */

/** The name, without the `@`, where no other is chosen. The key in `extensions` has this name in every schema. */
export const defaultDirective = 'auth'

/** The schema with a note of what `@auth` is called in it. The note stays when other tools map or merge the schema. */
export function withDirectiveName(schema: GraphQLSchema, name: string): GraphQLSchema {
  if (directiveNameOf(schema) === name) return schema
  const config = schema.toConfig()
  const annul = { ...Object(config.extensions?.annul), directive: name }
  return new GraphQLSchema({ ...config, extensions: { ...config.extensions, annul } })
}

export function directiveNameOf(schema: GraphQLSchema): string {
  const note = schema.extensions.annul as { readonly directive?: string } | undefined
  return note?.directive ?? defaultDirective
}
