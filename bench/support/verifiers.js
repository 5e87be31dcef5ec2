import { createRevocation } from '../../dist/revocation/createRevocation.js'
import { postgresStore } from '../../dist/revocation/postgresStore.js'
import { createVerifier } from '../../dist/verify/index.js'
import { answerCalls } from './calls.js'

/* A process with many verifiers, each with a socket of its own, or with as many plain followers of PostgreSQL. */

let verifiers = []
let followers = []

answerCalls({
  /** As many verifiers, spread over the nodes. Answers when all of them decide from memory. */
  async attach({ urls, service, audience = 'annul', count }) {
    verifiers = Array.from({ length: count }, (_, index) =>
      createVerifier({ nodes: [urls[index % urls.length]], service, audience }),
    )
    await Promise.all(verifiers.map(verifier => verifier.ready))
  },

  /** Asks every verifier about each token. @returns how many accepted, refused, and could not decide from memory */
  async ask({ tokens }) {
    const counted = { accepted: 0, refused: 0, asked: 0 }
    for (const token of tokens)
      for (const verifier of verifiers) {
        const decision = verifier.decide(token)
        if (decision instanceof Promise) counted.asked++
        else if (decision instanceof Error) counted.refused++
        else counted.accepted++
      }
    return counted
  },

  /** Decisions about a token that is live. @returns microseconds each */
  decide({ token, times }) {
    const [verifier] = verifiers
    const start = performance.now()
    for (let done = 0; done < times; done++)
      if (!('userId' in verifier.decide(token))) throw new Error('The verifier does not accept a live token.')
    return ((performance.now() - start) * 1000) / times
  },

  async follow({ url, count }) {
    followers = Array.from({ length: count }, () =>
      createRevocation({ store: postgresStore(url), leaseMs: 2000 }),
    )
    await Promise.all(followers.map(follower => follower.start()))
  },

  async leave() {
    await Promise.all([...verifiers.map(each => each.close()), ...followers.map(each => each.stop())])
    verifiers = []
    followers = []
  },
})
