import { GraphQLError, Lexer, Source, TokenKind } from 'graphql'

/*
 * What recursion over a request may meet. The parser, the execution and the reading of variables call themselves once
 * a level, and an attacker's levels would use up the stack: the engine then throws at a place that nobody foresaw.
 */

/** Levels of braces, brackets and parentheses in an operation, and of lists and objects in variables. */
const maxNesting = 100

const openingLetters = new Set([...'([{'].map(letter => letter.charCodeAt(0)))
const opening = new Set<TokenKind>([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const closing = new Set<TokenKind>([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

/**
 * To be called before a document is parsed.
 *
 * @param maxTokens how far the parser will come
 * @throws GraphQLError GRAPHQL_PARSE_FAILED for a document that is nested too deeply
 */
export function checkNesting(document: string, maxTokens: number): void {
  // The usual operation is not read twice, and none is read to an end that the parser would not reach.
  if (!hasMoreThan(maxNesting, document)) return
  const lexer = new Lexer(new Source(document))
  for (let depth = 0, tokens = 0; lexer.token.kind !== TokenKind.EOF && tokens <= maxTokens; tokens++) {
    try {
      lexer.advance()
    } catch {
      // The parser comes as far, and says what it found.
      return
    }
    if (opening.has(lexer.token.kind)) depth++
    if (closing.has(lexer.token.kind)) depth--
    if (depth > maxNesting) throw tooDeep('The operation is', 'GRAPHQL_PARSE_FAILED')
  }
}

/** Letter by letter: a short text has no more, and of a long one no more is read than needed. */
function hasMoreThan(most: number, document: string): boolean {
  if (document.length <= most) return false
  let found = 0
  for (let at = 0; at < document.length; at++)
    if (openingLetters.has(document.charCodeAt(at)) && ++found > most) return true
  return false
}

/** @throws GraphQLError BAD_REQUEST for variables that are nested too deeply */
export function checkVariables(variables: unknown): void {
  if (isDeeperThan(maxNesting, variables)) throw tooDeep('The variables are', 'BAD_REQUEST')
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(inner => isDeeperThan(levels - 1, inner))
}

function tooDeep(what: string, code: string): GraphQLError {
  return new GraphQLError(`${what} nested too deeply: more than ${maxNesting} levels.`, {
    // `http` is for Apollo Server, and goes no further.
    extensions: { code, http: { status: 400 } },
  })
}
