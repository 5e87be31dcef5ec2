import { describe, expect, it } from '@jest/globals'
import { RequestDecision } from '../../src/decisions/requestDecision.ts'
import { type AuthError, unauthenticated, unavailable } from '../../src/errors.ts'

/* How long a decision holds, and what of it is told to an app. Over HTTP: test/request/viewer.test.ts. */

interface Viewer {
  readonly name: string
}
const [ada, bob]: Viewer[] = [{ name: 'ada' }, { name: 'bob' }]
const refused = unauthenticated('LOGGED_OUT')

/** Decisions in order, which are made when the test lets them be made. */
function open(...decisions: (Viewer | AuthError | Promise<Viewer | AuthError>)[]) {
  let made = 0
  const decision = new RequestDecision<Viewer>(() => {
    const next = decisions[made++]
    if (next === undefined) throw new Error('No further decision was expected.')
    return next
  })
  return { decision, made: () => made }
}

/** A decision that is made later. */
function later() {
  let settle: (value: Viewer | AuthError) => void = () => {}
  const promise = new Promise<Viewer | AuthError>(resolve => {
    settle = resolve
  })
  return {
    promise,
    async settle(value: Viewer | AuthError) {
      settle(value)
      await promise
    },
  }
}

const advice =
  'viewer() was called on a field that no @auth guards, where the sender is not known yet. ' +
  'Guard the field with @auth, or await viewerOrNull() instead.'

describe('a decision', () => {
  it('is made when it is asked for first, and holds until it is to be made anew', () => {
    const { decision, made } = open(ada as Viewer, bob as Viewer)
    expect([made(), decision.isMade, decision.settled, decision.last]).toEqual([
      0,
      false,
      undefined,
      undefined,
    ])
    expect([decision.decide(), decision.decide(), decision.decide(false)]).toEqual([ada, ada, ada])
    expect([made(), decision.isMade, decision.settled, decision.last]).toEqual([1, true, ada, ada])
    expect(decision.decide(true)).toBe(bob)
    expect([made(), decision.settled, decision.last, decision.decide()]).toEqual([2, bob, bob, bob])
  })

  it('that is forgotten is made anew, and stays the last until then', () => {
    const { decision, made } = open(ada as Viewer, refused)
    decision.decide()
    decision.forget()
    expect([decision.isMade, decision.settled, decision.last, made()]).toEqual([false, undefined, ada, 1])
    expect(decision.decide()).toBe(refused)
    expect([decision.settled, decision.last]).toEqual([refused, refused])
  })

  it('that takes a while is one for all who ask meanwhile', async () => {
    const one = later()
    const { decision, made } = open(one.promise)
    expect([decision.decide(), decision.decide()]).toEqual([one.promise, one.promise])
    expect([decision.isMade, decision.settled, decision.last, made()]).toEqual([
      true,
      undefined,
      undefined,
      1,
    ])
    await one.settle(ada as Viewer)
    expect([decision.settled, decision.last]).toEqual([ada, ada])
  })

  it('that was replaced before it was known is ignored', async () => {
    const [one, other] = [later(), later()]
    const { decision } = open(one.promise, other.promise, later().promise)
    void decision.decide()
    void decision.decide(true)
    await one.settle(ada as Viewer)
    expect([decision.settled, decision.last]).toEqual([undefined, undefined])
    await other.settle(bob as Viewer)
    expect([decision.settled, decision.last]).toEqual([bob, bob])
    // The former one does not hold while the next one is made.
    void decision.decide(true)
    expect([decision.settled, decision.last]).toEqual([undefined, bob])
  })

  it('that was forgotten before it was known is ignored', async () => {
    const one = later()
    const { decision } = open(one.promise)
    void decision.decide()
    decision.forget()
    await one.settle(ada as Viewer)
    expect([decision.isMade, decision.settled, decision.last]).toEqual([false, undefined, undefined])
  })
})

describe('the viewer', () => {
  it('is known once it was decided, and until that is forgotten', () => {
    const { decision } = open(ada as Viewer, refused)
    expect(() => decision.viewer()).toThrow(new Error(advice))
    decision.decide()
    expect(decision.viewer()).toBe(ada)
    decision.forget()
    expect(() => decision.viewer()).toThrow(new Error(advice))
    decision.decide()
    expect(() => decision.viewer()).toThrow(refused)
  })

  it('or null is decided where that is not known yet', async () => {
    const one = later()
    const { decision } = open(ada as Viewer, refused, one.promise)
    expect(await decision.viewerOrNull()).toBe(ada)
    expect(await decision.viewerOrNull()).toBe(ada)
    decision.forget()
    expect(await decision.viewerOrNull()).toBeNull()
    decision.forget()
    const waiting = decision.viewerOrNull()
    await one.settle(bob as Viewer)
    expect(await waiting).toBe(bob)
  })

  it('or null is neither in an outage, which signs nobody out', async () => {
    const outage = unavailable()
    const { decision } = open(outage)
    await expect(decision.viewerOrNull()).rejects.toBe(outage)
  })
})
