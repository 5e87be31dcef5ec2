import { createServer } from 'node:http'
import { hash, verify } from '@node-rs/argon2'
import { hashesAlone } from '../support/hashes.js'

/* The least that a login over HTTP can be: a request, the hash and an answer. No GraphQL, no database, no tokens. */

/** For support/load.js. */
export const bareRequest = { body: '{}', expected: 'true' }

const password = 'correct horse battery staple'
const parameters = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export async function start() {
  const stored = await hash(password, parameters)
  // One at a time, as Annul's own queue does on one core.
  let last = Promise.resolve()
  const inTurn = work => {
    last = last.then(work)
    return last
  }
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    await inTurn(() => verify(stored, password))
    response.setHeader('content-type', 'application/json').end('true')
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls: { hashes: hashesAlone(() => stored, password) },
  }
}
