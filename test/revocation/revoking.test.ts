import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { AuthError } from '../../src/errors.ts'
import { type Fenced, fence, type Subject } from '../../src/revocation/fence.ts'
import { revoking, revokingAs, untilRevoked } from '../../src/revocation/revoking.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'

/* What a verb that revokes waits for, and what its visitor is told. */

const describePostgres = onPostgres ? describe : describe.skip

/** How long a fence is held at most. */
const heldMs = 300

describePostgres('a verb that revokes', () => {
  const server = useServer()

  async function signUpViewer(): Promise<Fenced & { sessionId: string }> {
    const { accessToken } = await server.signUp()
    const claims = server.auth.parts.accessTokens.verify(accessToken)
    if (typeof claims === 'string' || claims.sid === null) throw new Error('The token should be valid.')
    return { userId: claims.sub, sessionId: claims.sid, roles: claims.roles, claims }
  }

  /** Notes what it is told. */
  function visitor() {
    const told: number[] = []
    return { told, revoked: (waitedMs: number) => void told.push(waitedMs) }
  }

  const sessionOf = ({ sessionId }: { sessionId: string }): Subject => ({
    kind: 'session',
    subject: sessionId,
  })

  /** Starts the wait while the viewer's fence is held. @returns whether the wait was over before the fence was */
  async function isOverWhileHeld(viewer: Fenced, start: () => Promise<unknown>): Promise<boolean> {
    let isOver = false
    let wait: Promise<unknown> = Promise.resolve()
    await server.auth.parts.db.transaction(async tx => {
      await fence(tx, viewer)
      wait = start()
        .catch(() => {})
        .then(() => {
          isOver = true
        })
      // A barrier that was asked for later is over no sooner than that of the wait, which is not the matter here.
      await server.auth.parts.revocation.barrier()
      await Promise.race([wait, new Promise(resolve => setTimeout(resolve, heldMs))])
    })
    const wasOver = isOver
    await wait
    return wasOver
  }

  it('gives the result of its work, and tells the visitor how long the wait took', async () => {
    const viewer = await signUpViewer()
    const { told, ...rest } = visitor()
    const work = async () => 'done'
    expect(await revoking(server.auth.parts, rest, sessionOf(viewer), work)).toBe('done')
    expect(told).toEqual([expect.any(Number)])
    expect(await revoking(server.auth.parts, null, sessionOf(viewer), work)).toBe('done')
  })

  it('counts the wait in seconds', async () => {
    const seconds: number[] = []
    const { told, ...rest } = visitor()
    const metrics = { waited: (each: number) => void seconds.push(each) }
    await untilRevoked({ ...server.auth.parts, metrics }, rest, [{ kind: 'user', subject: 'nobody' }])
    expect(seconds).toEqual(told.map(each => each / 1000))
    expect(seconds).toHaveLength(1)
    const { metrics: _, ...unmeasured } = server.auth.parts
    await untilRevoked(unmeasured, null, [])
  })

  it('waits for a fence of what it was about to kill, though it found nothing to kill', async () => {
    const viewer = await signUpViewer()
    const start = () => revoking(server.auth.parts, null, sessionOf(viewer), async () => true)
    expect(await isOverWhileHeld(viewer, start)).toBe(false)
  })

  it('tells the longer of its two waits, for the nodes and for the fences', async () => {
    const viewer = await signUpViewer()
    const { told, ...rest } = visitor()
    const start = () => untilRevoked(server.auth.parts, rest, [sessionOf(viewer)])
    expect(await isOverWhileHeld(viewer, start)).toBe(false)
    expect(Math.max(...told)).toBeGreaterThan(heldMs * 0.9)
  })

  it('waits for a fence of what it has killed beside that', async () => {
    const viewer = await signUpViewer()
    const other = await signUpViewer()
    const start = () =>
      revoking(server.auth.parts, null, sessionOf(other), (_, revoke) =>
        revoke.session(viewer.sessionId, 'SESSION_REVOKED'),
      )
    expect(await isOverWhileHeld(viewer, start)).toBe(false)
  })

  it('waits for a fence of what it was about to kill, though it killed another', async () => {
    const viewer = await signUpViewer()
    const other = await signUpViewer()
    const start = () =>
      revoking(server.auth.parts, null, sessionOf(viewer), (_, revoke) =>
        revoke.session(other.sessionId, 'SESSION_REVOKED'),
      )
    expect(await isOverWhileHeld(viewer, start)).toBe(false)
  })

  it('waits where it refuses, since another may have killed a moment ago', async () => {
    const viewer = await signUpViewer()
    const { told, ...rest } = visitor()
    const refuse = async () => {
      throw new AuthError('NOT_FOUND', 'There is no such session.')
    }
    const start = () => revoking(server.auth.parts, rest, sessionOf(viewer), refuse)
    expect(await isOverWhileHeld(viewer, start)).toBe(false)
    expect(told).toHaveLength(1)
    await expect(start()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('does not wait where its work has failed otherwise', async () => {
    const viewer = await signUpViewer()
    const { told, ...rest } = visitor()
    const fail = async () => {
      throw new Error('The disk is full.')
    }
    const start = () => revoking(server.auth.parts, rest, sessionOf(viewer), fail)
    expect(await isOverWhileHeld(viewer, start)).toBe(true)
    await expect(start()).rejects.toThrow('The disk is full.')
    expect(told).toEqual([])
  })

  it('returns when the view of its node knows the kill', async () => {
    const viewer = await signUpViewer()
    await revoking(server.auth.parts, null, sessionOf(viewer), (_, revoke) =>
      revoke.session(viewer.sessionId, 'LOGGED_OUT'),
    )
    expect(server.auth.parts.revocation.view.verdict(viewer.claims)).toBe('LOGGED_OUT')
  })

  it('begins for a viewer with the fence, and on the command line without one', async () => {
    const viewer = await signUpViewer()
    const began: string[] = []
    const workOf = (name: string) => async () => {
      began.push(name)
      return name
    }
    const told = { ...viewer, revoked: () => {} }
    expect(await revokingAs(server.auth.parts, told, sessionOf(viewer), workOf('viewer'))).toBe('viewer')
    await server.rows(sql`update annul.sessions set ended_at = now() where id = ${viewer.sessionId}`)
    const late = revokingAs(server.auth.parts, told, sessionOf(viewer), workOf('late'))
    await expect(late).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await revokingAs(server.auth.parts, null, sessionOf(viewer), workOf('operator'))).toBe('operator')
    expect(began).toEqual(['viewer', 'operator'])
  })
})
