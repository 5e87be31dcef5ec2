import type { FastifyInstance } from 'fastify'

/**
 * For a subgraph: what was refused before GraphQL, such as a request beyond ANNUL_MAX_IN_FLIGHT, is answered with 200 too.
 * A gateway makes an error of its own of any other status, and then nobody learns the code and what to do next.
 */
export function answerWith200(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const isGraphQL = String(reply.getHeader('content-type')).includes('json')
    // A browser's question about another origin is asked of HTTP itself.
    if (reply.statusCode >= 400 && isGraphQL && request.method !== 'OPTIONS') reply.code(200)
    return payload
  })
}
