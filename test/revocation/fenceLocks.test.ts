import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { rows } from '../../src/database/open.ts'
import { type Fenced, fence, fenced, type Subject } from '../../src/revocation/fence.ts'
import { keyIdOf } from '../../src/tokens/accessToken.ts'
import { must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'

/* Each lock of the fence by itself, and the fence before a verb's transaction. */

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a transaction behind a fence', () => {
  const server = useServer()

  async function signUpViewer(): Promise<{ viewer: Fenced & { sessionId: string }; token: string }> {
    const { accessToken } = await server.signUp()
    const claims = server.auth.parts.accessTokens.verify(accessToken)
    if (typeof claims === 'string' || claims.sid === null) throw new Error('The token should be valid.')
    const viewer = { userId: claims.sub, sessionId: claims.sid, roles: claims.roles, claims }
    return { viewer, token: accessToken }
  }

  it.each<[string, (viewer: Fenced & { sessionId: string }) => Subject, boolean]>([
    ['keeps a kill of everyone waiting', () => ({ kind: 'everyone' }), true],
    ['keeps a kill of its user waiting', ({ userId }) => ({ kind: 'user', subject: userId }), true],
    ['keeps a kill of its session waiting', viewer => ({ kind: 'session', subject: viewer.sessionId }), true],
    [
      'keeps a kill of its signing key waiting',
      viewer => ({ kind: 'key', subject: keyIdOf(viewer.claims) }),
      true,
    ],
    ['keeps no kill of another signing key waiting', () => ({ kind: 'key', subject: 'another' }), false],
    ['keeps no kill of another user waiting', () => ({ kind: 'user', subject: 'somebody else' }), false],
    ['keeps no kill of another session waiting', () => ({ kind: 'session', subject: 'another' }), false],
  ])('%s', async (_, subjectOf, waits) => {
    const { viewer } = await signUpViewer()
    const { db, fences } = server.auth.parts
    let isOver = false
    let kill: Promise<void> | undefined
    await db.transaction(async tx => {
      await fence(tx, viewer)
      kill = fences.drained([subjectOf(viewer)]).then(() => {
        isOver = true
      })
      // A kill that did not wait would be over by then, on a busy machine too.
      if (waits) await Promise.race([kill, delay(1000)])
      else await kill
      expect(isOver).toBe(!waits)
    })
    await kill
  })

  it('runs what the viewer asked for, and gives its result', async () => {
    const { viewer } = await signUpViewer()
    expect(await fenced(server.auth.parts, viewer, async () => 'done')).toBe('done')
  })

  it('does not begin the work of a viewer whose session is over', async () => {
    const { viewer, token } = await signUpViewer()
    must(await server.send('mutation { logout }', { token }))
    let began = false
    const late = fenced(server.auth.parts, viewer, async () => {
      began = true
    })
    await expect(late).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT' })
    expect(began).toBe(false)
  })

  it('needs no viewer on the command line', async () => {
    const work = () => fenced(server.auth.parts, null, tx => rows(tx, sql`select 1 as one`))
    expect(await work()).toEqual([{ one: 1 }])
  })
})
