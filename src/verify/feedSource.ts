import { systemClock } from '../revocation/clock.ts'
import { RevocationView } from '../revocation/view.ts'
import { openDecider } from './decider.ts'
import { FeedClient } from './feedClient.ts'
import { FeedKeys } from './feedKeys.ts'
import { FeedReader } from './feedReader.ts'
import { Introspection } from './introspection.ts'
import { NoAnswer } from './noAnswer.ts'
import type { CheckedFeedOptions } from './options.ts'
import { openReady, type Source } from './source.ts'

/** How often a watch asks while no picture may be used, twice, in milliseconds. */
const watchMs = 400

/** Decides from memory, which the feed of the auth nodes keeps fresh; otherwise asks an auth node. */
export function openFeedSource(options: CheckedFeedOptions): Source {
  const { nodes, service, log } = options
  const clock = systemClock
  const view = new RevocationView()
  const keys = new FeedKeys(view)
  const { ready, become, fail } = openReady()
  let issuer = options.issuer
  let isClosed = false

  const reader = new FeedReader({
    view,
    clock,
    onKeys(frame) {
      issuer = options.issuer ?? frame.issuer
      keys.take(frame.keys)
    },
    onFresh() {
      become()
      client.noteFresh()
    },
  })
  const client = new FeedClient({ nodes, service, reader, clock, log, onRefused: fail })
  const introspection = new Introspection(options)
  const isFresh = () => !isClosed && reader.isFresh()
  const decider = openDecider(
    {
      keys,
      onNextKeys: call => keys.onNext(call),
      issuer: () => issuer,
      isFresh,
      verdict: claims => view.verdict(claims),
      databaseTime: () => reader.databaseTime(),
    },
    {
      ...options,
      ask: token =>
        isClosed ? Promise.reject(new NoAnswer('The verifier is closed.')) : introspection.ask(token),
    },
  )
  client.start()
  return {
    ready,
    decider,
    revocation: { view, isFresh },
    watchMs,
    isFresh,
    close() {
      isClosed = true
      fail(new Error('The verifier was closed.'))
      client.close()
    },
  }
}
