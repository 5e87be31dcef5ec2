import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildHTTPExecutor } from '@graphql-tools/executor-http'
import { stitchSchemas } from '@graphql-tools/stitch'
import type { Gateway } from 'annul/gateway'
import { buildSchema, type GraphQLSchema } from 'graphql'
import type { Service } from './services.js'

/** Annul's SDL, with its directives, which introspection would not show. */
function readAnnul(): GraphQLSchema {
  const folder = dirname(fileURLToPath(import.meta.resolve('annul/schema/auth.graphql')))
  const files = readdirSync(folder).filter(file => file.endsWith('.graphql'))
  return buildSchema(files.map(file => readFileSync(join(folder, file), 'utf8')).join('\n'))
}

/** How Annul is asked for a user whom another service has named. */
const annulUser = { selectionSet: '{ id }', fieldName: 'user', args: ({ id }: { id: string }) => ({ id }) }

/** Everything behind one address. Users are Annul's; orders and reviews are added to them by their ids. */
export function stitch(gateway: Gateway, annul: string, orders: Service, reviews: Service): GraphQLSchema {
  return stitchSchemas({
    // @auth stays visible. Annul itself guards its fields, and each service guards its own.
    mergeDirectives: true,
    subschemas: [
      {
        schema: readAnnul(),
        executor: buildHTTPExecutor({ endpoint: annul, ...gateway.toAnnul }),
        merge: { User: annulUser },
      },
      {
        schema: orders.schema,
        executor: buildHTTPExecutor({ endpoint: orders.endpoint, ...gateway.toService }),
        batch: true,
        merge: { User: usersBy('ordersOf') },
      },
      {
        schema: reviews.schema,
        executor: buildHTTPExecutor({ endpoint: reviews.endpoint, ...gateway.toService }),
        merge: { User: usersBy('reviewsOf') },
      },
    ],
  })
}

/** One question for all users of an answer. */
function usersBy(fieldName: string) {
  return {
    selectionSet: '{ id }',
    fieldName,
    key: ({ id }: { id: string }) => id,
    argsFromKeys: (ids: readonly string[]) => ({ ids }),
  }
}
