import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * A stop waits for requests that have begun, and for no connection: not for one that is kept alive after its answer,
 * nor for those that browsers open in advance. Those that lie idle Fastify closes by itself.
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
