import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  parse,
  type ValidationRule,
  validate,
} from 'graphql'

/** Documents that are kept. The bound of tokens bounds each: together they take some 10 MiB at most. */
const maxDocuments = 32

/**
 * Parses and validates operations, and keeps the documents that were used last, as Apollo Server does for HTTP. A
 * document of 2 kB takes hundreds of kB when it is parsed: without this, that is most of the garbage of a node whose
 * sockets ask again and again.
 */
export class Documents {
  readonly #schema: GraphQLSchema
  readonly #rules: readonly ValidationRule[]
  readonly #maxTokens: number
  /** By the text of the operation. The one that was used last is the last. */
  readonly #documents = new Map<string, DocumentNode>()

  constructor(schema: GraphQLSchema, rules: readonly ValidationRule[], maxTokens: number) {
    this.#schema = schema
    this.#rules = rules
    this.#maxTokens = maxTokens
  }

  /**
   * @returns the document, or what is wrong with it
   * @throws GraphQLError for a text that cannot be parsed
   */
  read(text: string): DocumentNode | readonly GraphQLError[] {
    const known = this.#documents.get(text)
    const document = known ?? parse(text, { maxTokens: this.#maxTokens })
    const errors = known ? [] : validate(this.#schema, document, this.#rules)
    if (errors.length > 0) return errors
    this.#keep(text, document)
    return document
  }

  #keep(text: string, document: DocumentNode): void {
    this.#documents.delete(text)
    this.#documents.set(text, document)
    const [oldest] = this.#documents.keys()
    if (this.#documents.size > maxDocuments && oldest !== undefined) this.#documents.delete(oldest)
  }
}
