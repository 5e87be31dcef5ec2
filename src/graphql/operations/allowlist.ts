import { createHash } from 'node:crypto'
import { GraphQLError, parse, print } from 'graphql'
import { checkNesting } from '../bounds/nesting.ts'
import type { Manifest } from './readManifest.ts'

/** What a client sends to say which operation it means. */
export interface OperationRequest {
  readonly query?: unknown
  readonly extensions?: unknown
  /** GraphQL over HTTP, persisted documents: `sha256:…` or another id. */
  readonly documentId?: unknown
  /** Some clients' names for the same. */
  readonly id?: unknown
  readonly doc_id?: unknown
}

/** The only operations that are answered (ANNUL_OPERATIONS). */
export interface Allowlist {
  /** The document that a request means; undefined where it is not in the list. */
  find(request: OperationRequest): string | undefined
}

/** Texts of listed documents that were written in another way. They are kept, so that they are not parsed each time. */
const maxKnownTexts = 1000

/** @param maxTokens of an operation: a text with more is in no list */
export function openAllowlist(manifest: Manifest, maxTokens: number): Allowlist {
  const byId = new Map<string, string>()
  const byText = new Map<string, string>()
  for (const [id, body] of manifest) {
    byId.set(id, body).set(sha256(body), body)
    byText.set(printed(body), body)
  }
  const known = new Map<string, string>([...manifest.values()].map(body => [body, body]))

  const findText = (text: string): string | undefined => {
    const found = known.get(text)
    if (found !== undefined) return found
    const listed = readable(text, maxTokens) ? byText.get(printed(text)) : undefined
    // A text that is much longer than the document is padded, and would fill the memory.
    if (listed !== undefined && known.size < manifest.size + maxKnownTexts && text.length < 2 * listed.length)
      known.set(text, listed)
    return listed
  }

  return {
    find({ query, extensions, documentId, id, doc_id }) {
      if (typeof query === 'string' && query !== '') return findText(query)
      const { sha256Hash } = Object(Object(extensions).persistedQuery)
      const given = [sha256Hash, documentId, id, doc_id].find(each => typeof each === 'string')
      return typeof given === 'string'
        ? (byId.get(given.replace(/^sha256:/, '')) ?? byId.get(given))
        : undefined
    },
  }
}

/** Nothing of the operation was looked at. */
export function notInList(): GraphQLError {
  return new GraphQLError(
    'This server answers only the operations that it knows, and this is none of them.',
    {
      extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST', http: { status: 400 } },
    },
  )
}

/** The extensions of a request without the id of its document, which was read already. */
export function withoutId(extensions: unknown): Record<string, unknown> {
  const { persistedQuery: _, ...others } = Object(extensions)
  return others
}

function readable(text: string, maxTokens: number): boolean {
  try {
    checkNesting(text, maxTokens)
    parse(text, { maxTokens })
    return true
  } catch {
    return false
  }
}

/** As every tool prints a document: without comments, and with its own spaces. */
function printed(text: string): string {
  return print(parse(text, { noLocation: true }))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
