import { peerCalls, startPeer } from '../support/peer.js'

/* The peers' server without any of them: what their rows would be if finding out who sends cost nothing. */

export async function start() {
  const context = async () => ({ user: null })
  const signIn = async () => ({ authorization: 'Bearer nobody' })
  return { url: await startPeer({ context }), calls: peerCalls(signIn) }
}
