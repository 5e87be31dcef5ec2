/** A page of a list, as the verbs return it. */
interface Page<Edge> {
  readonly edges: readonly Edge[]
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
}

/** A page as the contract's connections have it. */
export function connectionOf<Edge extends { readonly cursor: string }>(page: Page<Edge>) {
  const { hasNextPage, hasPreviousPage } = page
  const edges = [...page.edges]
  const startCursor = edges[0]?.cursor ?? null
  const endCursor = edges.at(-1)?.cursor ?? null
  return { edges, pageInfo: { hasNextPage, hasPreviousPage, startCursor, endCursor } }
}
