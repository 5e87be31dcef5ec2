/* What a gateway hands on to the subgraphs. */

/** The token, the cookies, and what Annul needs to know of a cookie's origin. Never an identity that a client names. */
const names = ['authorization', 'cookie', 'origin', 'sec-fetch-site', 'user-agent']

export function forwarded(read: (name: string) => string | null | undefined): Record<string, string> {
  return Object.fromEntries(
    names.flatMap(name => {
      const value = read(name)
      return value ? [[name, value]] : []
    }),
  )
}
