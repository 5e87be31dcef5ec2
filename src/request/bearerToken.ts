const scheme = 'Bearer '

/** The token of an Authorization header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  // As clients write it. The expression below goes through the token letter by letter, which costs as much as a decision.
  if (authorization?.startsWith(scheme) && !authorization.includes(' ', scheme.length))
    return authorization.slice(scheme.length) || undefined
  return authorization?.match(/^Bearer +([^ ]+)$/i)?.[1]
}
