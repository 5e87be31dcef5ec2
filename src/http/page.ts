import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { contentSecurityPolicy } from './contentSecurityPolicy.ts'

/*
 * The page for a person who opens the server in a browser. Apollo Server's own page loads scripts of a third party,
 * which would run on the origin whose cookies hold the refresh tokens.
 */

const style = `:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; margin: 4rem auto; max-width: 38rem; padding: 0 1rem }
pre { overflow-x: auto; padding: 1rem; border: 1px solid; border-radius: 4px }`

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Annul</title>
<style>${style}</style>
<h1>Annul</h1>
<p>This is an auth server. Its GraphQL endpoint is <code>/graphql</code>, which takes operations by POST:</p>
<pre>curl https://this.server/graphql -H 'content-type: application/json' \\
  -d '{"query":"{ me { id } }"}'</pre>
<p>The documentation is the file <code>README.md</code> of the package <code>annul</code>, and the directory
<code>docs/</code> beside it.</p>
</html>
`

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': contentSecurityPolicy({
    'style-src': `'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  }),
  vary: 'accept',
}

/** Whether a browser opens the address itself. An operation in the URL is always answered by GraphQL. */
export function wantsPage({ headers, query }: FastifyRequest): boolean {
  const names = Object.keys(query ?? {})
  const hasOperation = names.includes('query') || names.includes('extensions')
  return !hasOperation && /\btext\/html\b/i.test(headers.accept ?? '')
}

export function sendPage(reply: FastifyReply): FastifyReply {
  return reply.headers(headers).send(html)
}
