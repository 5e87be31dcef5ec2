import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * A stop waits for requests that have begun, and not for connections without one: neither those that are kept alive
 * after an answer, nor those that browsers open in advance. Fastify itself closes connections that are idle after a
 * request.
 */
export function closePromptly(app: FastifyInstance): void {
  const connections = new Set<Socket>()
  let closing = false
  app.server.on('connection', (socket: Socket) => {
    if (closing) return socket.destroy()
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  app.addHook('preClose', async () => {
    closing = true
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
}
