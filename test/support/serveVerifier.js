import { createServer } from 'node:http'
import { AuthError, createVerifier } from '../../dist/verify/index.js'

/* A service without a database, as a process: it answers who the sender is, as a node answers `{ me { id } }`. */

const { ANNUL_NODES = '', ANNUL_SERVICE = '' } = process.env
const verifier = createVerifier({ nodes: ANNUL_NODES.split(' '), service: ANNUL_SERVICE, audience: 'annul' })

const server = createServer(async (request, response) => {
  request.resume()
  if (request.url === '/fresh') return response.end(String(verifier.isFresh()))
  const token = request.headers.authorization?.slice('Bearer '.length)
  const decision = await verifier.decide(token)
  const answer =
    decision instanceof AuthError
      ? {
          data: null,
          errors: [{ message: decision.message, extensions: { code: decision.code, ...decision.details } }],
        }
      : { data: { me: { id: decision.userId } } }
  response.end(JSON.stringify(answer))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
