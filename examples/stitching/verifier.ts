import { AuthError } from 'annul'
import type { TokenVerifier } from 'annul/gateway'

/** Decides about access tokens by asking Annul itself, each time anew. */
export function askAnnul(endpoint: string): TokenVerifier {
  return {
    async decide(token) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ me { id } }' }),
      })
      const { data, errors } = await response.json()
      if (!errors) return { userId: String(data.me.id) }
      const [{ message, extensions }] = errors
      return new AuthError(extensions.code, message, extensions)
    },
  }
}
