import type { DocumentNode, GraphQLSchema } from 'graphql'
import type { Rename } from '../rename.ts'
import { namesOfCredentialMutations } from './credentialMutations.ts'
import { type Bounds, beyond, checkBounds } from './limits.ts'
import { longestList, type Variables } from './listSizes.ts'
import { type Measure, type Measured, measure } from './measure.ts'
import { checkVariables } from './nesting.ts'

/** The bounds of an Annul, by which every server checks an operation before it is carried out. */
export interface OperationBounds extends Bounds {
  /**
   * To be called with a document that was parsed. Each operation of the document must be within the bounds, whichever is
   * asked for.
   *
   * @throws GraphQLError with the code of the bound, or BAD_REQUEST for variables that are nested too deeply
   */
  check(schema: GraphQLSchema, document: DocumentNode, variables: unknown): void
}

/** @throws TypeError for bounds that are none */
export function openBounds(given: unknown, rename: Rename = {}): OperationBounds {
  const bounds = checkBounds(given)
  const names = namesOfCredentialMutations(rename)
  const isCredential = (field: string) => names.has(field)
  /** Servers keep documents: those that any variables leave within the bounds are not measured again. */
  const passed = new WeakMap<DocumentNode, GraphQLSchema>()

  return {
    ...bounds,
    check(schema, document, variables) {
      if (variables) {
        checkVariables(variables)
        if (longestList(variables) > bounds.listItems) throw beyond('listItems', bounds.listItems)
      }
      if (passed.get(document) === schema) return
      const measured = measure(document, { schema, variables: Object(variables) as Variables, isCredential })
      refuse(measured, bounds)
      if (!measured.dependsOnVariables) passed.set(document, schema)
    },
  }
}

function refuse({ operations, longestList }: Measured, bounds: Bounds): void {
  const most = (bound: keyof Bounds, found: number) => {
    if (found > bounds[bound]) throw beyond(bound, bounds[bound])
  }
  for (const operation of operations) {
    if (operation.isMutation) refuseMutation(operation, most)
    most('depth', operation.depth)
    most('introspectionDepth', operation.introspectionDepth)
    most('aliases', operation.aliases)
    most('directives', operation.directives)
    most('cost', operation.cost)
  }
  most('listItems', longestList)
}

function refuseMutation(
  { fields, credentials }: Measure,
  most: (bound: keyof Bounds, found: number) => void,
): void {
  // First, because it says most.
  most('credentialMutations', credentials)
  most('mutationFields', fields)
}
