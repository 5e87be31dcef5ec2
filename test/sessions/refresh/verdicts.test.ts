import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import type { Config } from '../../../src/config.ts'
import { AuthError, badUserInput, unavailable } from '../../../src/errors.ts'
import type { Parts } from '../../../src/parts.ts'
import { fence } from '../../../src/revocation/fence.ts'
import { logoutByRefreshToken } from '../../../src/sessions/logout.ts'
import { checkAttempt, readRefreshToken, refresh } from '../../../src/sessions/refresh.ts'
import { refreshTokens } from '../../../src/tokens/refreshToken.ts'
import { onPostgres } from '../../support/database.ts'
import { useServer } from '../../support/server.ts'
import {
  eventsOf,
  mailsOf,
  makePerson,
  type Person,
  type SignedIn,
  sessionRow,
  setSession,
  visitorOf,
} from '../person.ts'
import { newAttempt } from './support.ts'

/* Each verdict on a refresh token, with all that it writes and tells, without requests. */

const server = useServer({ env: { ANNUL_SESSION_IDLE_SECONDS: '7200' } })
const onlyPostgres = onPostgres ? it : it.skip
let ada: Person
let laptop: SignedIn
beforeEach(async () => {
  ada = await makePerson(server)
  laptop = await ada.signIn()
})

/** The server's parts, which note what the metrics and the log are told. */
function open(config: Partial<Config> = {}, change: Partial<Parts> = {}) {
  const { parts } = server.auth
  const outcomes: string[] = []
  const logged: unknown[][] = []
  return {
    ...{ outcomes, logged },
    parts: {
      ...parts,
      config: { ...parts.config, ...config },
      metrics: { ...parts.metrics, refreshed: (outcome: string) => void outcomes.push(outcome) },
      log: { ...parts.log, error: (...line: unknown[]) => void logged.push(line) },
      ...change,
    } as Parts,
  }
}
const tokenOf = (generation: number, { sessionId } = laptop) =>
  server.auth.parts.refreshTokens.derive({ sessionId, generation })
const outcomeOf = (work: Promise<{ session: { generation: number } }>) =>
  work.then(
    ({ session }) => session.generation,
    error =>
      error instanceof AuthError ? (error.extensions.reason ?? error.code) : String((error as Error).message),
  )
/** Refreshes. @returns the new generation, or why there is none */
const tryWith = (
  opened: ReturnType<typeof open>,
  generation: number,
  attempt?: string,
  visitor = visitorOf(),
) => outcomeOf(refresh(opened.parts, visitor, { refreshToken: tokenOf(generation), attempt }))
/** Takes the session on to a generation, each with an attempt of its own. @returns the attempts */
async function rotate(count: number): Promise<string[]> {
  const attempts: string[] = []
  for (let generation = 1; generation <= count; generation++) {
    const attempt = newAttempt()
    expect(await tryWith(open(), generation, attempt)).toBe(generation + 1)
    attempts.push(attempt)
  }
  return attempts
}
const ended = async () => (await sessionRow(server, laptop.sessionId)).end_reason

describe('the live token', () => {
  it('makes the next generation, moves the idle end, and keeps the rest', async () => {
    await setSession(
      server,
      laptop.sessionId,
      sql`idle_expires_at = now() + interval '1 minute',
      last_used_at = '2026-01-01', rotated_at = '2026-01-01'`,
    )
    const opened = open()
    const before = await sessionRow(server, laptop.sessionId)
    const tokens = await refresh(opened.parts, visitorOf(), {
      refreshToken: tokenOf(1),
      attempt: newAttempt(),
    })
    expect(tokens.refreshToken).toBe(tokenOf(2))
    expect(tokens.session).not.toHaveProperty('attempts')
    expect(tokens.user).not.toHaveProperty('passwordHash')
    const row = await sessionRow(server, laptop.sessionId)
    expect(Math.abs(Number(row.idle_seconds) - 7200)).toBeLessThan(30)
    expect(Number(row.time) - Number(row.rotated)).toBeLessThan(30)
    expect(Math.abs((Number(row.rotated) * 1000) % 1)).toBeLessThan(0.001)
    expect([row.generation, row.expires_at, row.auth_time]).toEqual([2, before.expires_at, before.auth_time])
    expect(Number(new Date(String(row.last_used_at)))).toBeGreaterThan(Date.now() - 60_000)
    expect(row.attempted).toEqual([true])
    expect(opened.outcomes).toEqual(['ROTATED'])
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('keeps the attempts of the last eight generations, and null where none was sent', async () => {
    for (let generation = 1; generation <= 9; generation++)
      await tryWith(open(), generation, generation === 9 ? undefined : newAttempt())
    const { attempted } = await sessionRow(server, laptop.sessionId)
    expect(attempted).toEqual([false, ...Array(7).fill(true)])
  })

  it('is not rotated beyond the largest number that the column holds', async () => {
    await setSession(server, laptop.sessionId, sql`generation = ${2 ** 31 - 2}`)
    expect(await tryWith(open(), 2 ** 31 - 2, newAttempt())).toBe(2 ** 31 - 1)
    let tries = 0
    const keys = { ...server.auth.parts.keys, awaitCurrent: async () => void tries++ }
    const counting = open({}, { keys } as Partial<Parts>)
    expect(await tryWith(counting, 2 ** 31 - 1, newAttempt())).toBe('UNAVAILABLE')
    expect(tries).toBe(3)
    expect(await ended()).toBeNull()
  })

  it.each<[string, SQL, string]>([
    ['has ended', sql`ended_at = now(), end_reason = 'LOGGED_OUT'`, 'LOGGED_OUT'],
    ['has reached its idle end', sql`idle_expires_at = now()`, 'SESSION_EXPIRED'],
    ['has reached its end', sql`expires_at = now()`, 'SESSION_EXPIRED'],
    ['is of a former epoch', sql`epoch = epoch - 1`, 'EVERYTHING_REVOKED'],
  ])('of a session that %s is refused, and writes nothing', async (_, change, reason) => {
    await setSession(server, laptop.sessionId, change)
    const opened = open()
    const visitor = visitorOf()
    expect(await tryWith(opened, 1, newAttempt(), visitor)).toBe(reason)
    expect(opened.outcomes).toEqual([reason])
    expect(visitor.waited).toEqual([])
    expect(await sessionRow(server, laptop.sessionId)).toMatchObject({ generation: 1 })
  })

  it('of a session that is gone is refused as expired', async () => {
    await server.rows(sql`delete from annul.sessions where id = ${laptop.sessionId}`)
    const opened = open()
    expect([await tryWith(opened, 1), opened.outcomes]).toEqual(['SESSION_EXPIRED', ['SESSION_EXPIRED']])
  })
})

describe('an older token', () => {
  it('with the attempt that replaced it gets the same tokens once more', async () => {
    const [attempt] = await rotate(1)
    const opened = open()
    const before = await sessionRow(server, laptop.sessionId)
    const tokens = await refresh(opened.parts, visitorOf(), { refreshToken: tokenOf(1), attempt })
    expect([tokens.refreshToken, opened.outcomes]).toEqual([tokenOf(2), ['REPLAYED']])
    expect((await sessionRow(server, laptop.sessionId)).rotated_at).toEqual(before.rotated_at)
  })

  it('with its attempt is stale from two to eight generations later, and theft after that', async () => {
    const attempts = await rotate(8)
    for (const generation of [1, 2, 7]) {
      const opened = open()
      expect(await tryWith(opened, generation, attempts[generation - 1])).toBe('TOKEN_STALE')
      expect(opened.outcomes).toEqual(['TOKEN_STALE'])
    }
    expect(await tryWith(open(), 8, attempts[7])).toBe(9)
    expect(await tryWith(open(), 9, newAttempt())).toBe(10)
    expect(await ended()).toBeNull()
    expect(await tryWith(open(), 1, attempts[0])).toBe('REFRESH_REUSED')
    expect(await ended()).toBe('REFRESH_REUSED')
  })

  it.each<[string, (attempts: string[]) => string | undefined]>([
    ['another attempt', () => newAttempt()],
    ['the attempt of another generation', attempts => attempts[1]],
    ['no attempt, where there was one', () => undefined],
  ])('with %s is theft, which ends the session and is told', async (_, attemptOf) => {
    const attempts = await rotate(2)
    const opened = open()
    const visitor = visitorOf({ ipAddress: '198.51.100.9' })
    expect(await tryWith(opened, 1, attemptOf(attempts), visitor)).toBe('REFRESH_REUSED')
    expect([opened.outcomes, visitor.waited.length]).toEqual([['REFRESH_REUSED'], 1])
    expect(await ended()).toBe('REFRESH_REUSED')
    expect(await eventsOf(server, ada.userId)).toEqual([
      {
        ...{ kind: 'refresh-reused', actor: null, session: laptop.sessionId },
        ...{ address: '198.51.100.9', device: 'Firefox on Linux' },
        detail: 'generation 1 presented, 3 current',
      },
    ])
    expect(await mailsOf(server, ada.email)).toEqual(['reuse-detected'])
    // Each further answer comes after all nodes refuse, too.
    const again = visitorOf()
    expect(await tryWith(open(), 3, newAttempt(), again)).toBe('REFRESH_REUSED')
    expect(again.waited).toHaveLength(1)
    expect(await eventsOf(server, ada.userId)).toHaveLength(1)
  })

  it('that was stolen ends all sessions of the user, where that is asked for', async () => {
    const phone = await ada.signIn()
    await rotate(1)
    const opened = open({ refreshReuseEnds: 'user' })
    expect(await tryWith(opened, 1, newAttempt())).toBe('REFRESH_REUSED')
    const { parts } = server.auth
    const verdictOf = (accessToken: string) => {
      const claims = parts.accessTokens.verify(accessToken)
      return typeof claims === 'string' ? claims : parts.revocation.view.verdict(claims)
    }
    expect(verdictOf(phone.tokens.accessToken)).toBe('REFRESH_REUSED')
    expect(await outcomeOf(refresh(parts, visitorOf(), { refreshToken: phone.tokens.refreshToken }))).toBe(
      'REFRESH_REUSED',
    )
    expect(await tryWith(open(), 1, newAttempt())).toBe('REFRESH_REUSED')
  })

  it('that was stolen ends the other sessions of the user not, where that is not asked for', async () => {
    const phone = await ada.signIn()
    await rotate(1)
    await tryWith(open(), 1, newAttempt())
    const { refreshToken } = phone.tokens
    expect(await outcomeOf(refresh(server.auth.parts, visitorOf(), { refreshToken }))).toBe(2)
  })

  it('is told to the owner 5 times in an hour, and the session ends each time', async () => {
    const warns: boolean[] = [true, false]
    const { parts } = server.auth
    const asked: unknown[] = []
    const limits = {
      ...parts.limits,
      async warns(...all: unknown[]) {
        asked.push(all)
        return warns.shift() ?? true
      },
    }
    for (const mails of [1, 1]) {
      laptop = await ada.signIn()
      await rotate(1)
      expect(await tryWith(open({}, { limits }), 1, newAttempt())).toBe('REFRESH_REUSED')
      expect(await mailsOf(server, ada.email)).toHaveLength(mails)
    }
    expect(asked).toEqual(Array(2).fill(['reuse-detected', ada.email]))
  })
})

describe('what was asked for with the access token of a stolen session', () => {
  /** Whether a refresh waits for the transaction of such a viewer, beyond the time that it takes anyway. */
  async function waits(holder: SignedIn, token: () => Promise<unknown>, control: () => Promise<unknown>) {
    let isDone = false
    let returned: Promise<unknown> = Promise.resolve()
    let waited = false
    await server.auth.parts.db.transaction(async tx => {
      await fence(tx, holder.viewer)
      await killed(holder)
      returned = token().finally(() => {
        isDone = true
      })
      await control()
      await new Promise(resolve => setTimeout(resolve, 100))
      waited = !isDone
    })
    await returned
    return waited
  }
  /** A theft a moment ago, by another node, which did not wait yet. */
  const killed = ({ sessionId }: SignedIn) =>
    setSession(server, sessionId, sql`ended_at = now(), end_reason = 'REFRESH_REUSED'`)
  const use = (signedIn: SignedIn) =>
    outcomeOf(refresh(server.auth.parts, visitorOf(), { refreshToken: signedIn.tokens.refreshToken }))

  onlyPostgres('has ended at each further answer', async () => {
    const control = await ada.signIn()
    await killed(control)
    expect(
      await waits(
        laptop,
        () => use(laptop),
        () => use(control),
      ),
    ).toBe(true)
  })

  onlyPostgres('has ended in all sessions of the user, where all of them were ended', async () => {
    const phone = await ada.signIn()
    const bob = await (await makePerson(server)).signIn()
    const raise = (signedIn: SignedIn) =>
      server.rows(sql`update annul.users set session_version = session_version + 1, session_reason = 'REFRESH_REUSED'
        where id = ${signedIn.viewer.userId}`)
    await raise(laptop)
    await raise(bob)
    // The phone holds the fence, and the laptop's token asks: what they share is the user.
    expect(
      await waits(
        phone,
        () => use(laptop),
        () => use(bob),
      ),
    ).toBe(true)
    // A session alone is no reason to wait for the others of its user.
    laptop = await ada.signIn()
    const other = await ada.signIn()
    await killed(laptop)
    await server.auth.parts.db.transaction(async tx => {
      await fence(tx, other.viewer)
      expect(await use(laptop)).toBe('REFRESH_REUSED')
    })
  })

  onlyPostgres('has ended though the session has come to another end meanwhile', async () => {
    await rotate(1)
    const { parts } = server.auth
    let reached = () => {}
    const limits = {
      ...parts.limits,
      async warns() {
        // Between the verdict and its repetition under the lock.
        await setSession(server, laptop.sessionId, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)
        reached()
        return true
      },
    }
    const opened = open({}, { limits })
    let isDone = false
    let returned: Promise<unknown> = Promise.resolve()
    await parts.db.transaction(async tx => {
      await fence(tx, laptop.viewer)
      const judged = new Promise<void>(resolve => {
        reached = resolve
      })
      returned = tryWith(opened, 1, newAttempt()).then(outcome => {
        isDone = true
        return outcome
      })
      await judged
      // As long as another theft takes.
      const { sessionId } = await ada.signIn()
      await setSession(server, sessionId, sql`generation = 2`)
      const refreshToken = parts.refreshTokens.derive({ sessionId, generation: 1 })
      await outcomeOf(refresh(parts, visitorOf(), { refreshToken, attempt: newAttempt() }))
      await new Promise(resolve => setTimeout(resolve, 100))
      expect(isDone).toBe(false)
    })
    expect(await returned).toBe('LOGGED_OUT')
    expect(await ended()).toBe('LOGGED_OUT')
    expect(await eventsOf(server, ada.userId)).not.toContainEqual(
      expect.objectContaining({ kind: 'refresh-reused', session: laptop.sessionId }),
    )
  })
})

describe('without attempts', () => {
  const within = (seconds: number) =>
    setSession(server, laptop.sessionId, sql`rotated_at = now() - make_interval(secs => ${seconds})`)

  it('the token before is answered once more within the grace, and is theft after it', async () => {
    expect(await tryWith(open(), 1)).toBe(2)
    const graced = open({ refreshReuseSeconds: 30 })
    await within(20)
    expect([await tryWith(graced, 1), graced.outcomes]).toEqual([2, ['REPLAYED']])
    await within(40)
    expect(await tryWith(graced, 1)).toBe('REFRESH_REUSED')
  })

  it('the token before is theft where there is no grace', async () => {
    expect(await tryWith(open(), 1)).toBe(2)
    await setSession(server, laptop.sessionId, sql`rotated_at = now() + interval '10 s'`)
    expect(await tryWith(open({ refreshReuseSeconds: 0 }), 1)).toBe('REFRESH_REUSED')
  })

  it('the grace is none for a token that is older, nor for one that came or was replaced with an attempt', async () => {
    const graced = () => open({ refreshReuseSeconds: 30 })
    await tryWith(open(), 1)
    await tryWith(open(), 2)
    expect(await tryWith(graced(), 1)).toBe('REFRESH_REUSED')
    laptop = await ada.signIn()
    await tryWith(open(), 1)
    expect(await tryWith(graced(), 1, newAttempt())).toBe('REFRESH_REUSED')
    laptop = await ada.signIn()
    await tryWith(open(), 1, newAttempt())
    expect(await tryWith(graced(), 1)).toBe('REFRESH_REUSED')
  })
})

describe('a token ahead of its session', () => {
  it('is no theft: a backup was restored, and the operator is told what to do', async () => {
    const opened = open()
    expect(await tryWith(opened, 3, newAttempt())).toBe('TOKEN_INVALID')
    expect(opened.outcomes).toEqual(['AHEAD'])
    expect(opened.logged).toEqual([
      [
        { sessionId: laptop.sessionId, generation: 3 },
        'A refresh token is ahead of its session: was a backup restored? Run "annul restored".',
      ],
    ])
    expect(await ended()).toBeNull()
  })
})

describe('a text that is no token of this server', () => {
  it.each<[string, () => string, string]>([
    ['nonsense', () => 'annul_rt_nonsense', 'This is not a refresh token, or a part of it is missing.'],
    [
      'another server’s',
      () => refreshTokens(randomBytes(32)).derive({ sessionId: laptop.sessionId, generation: 1 }),
      'This refresh token was issued by another server.',
    ],
    [
      'a forged one',
      () => `${tokenOf(1).slice(0, -2)}${tokenOf(1).endsWith('AA') ? 'BA' : 'AA'}`,
      'This refresh token is not authentic.',
    ],
  ])('is refused by what it is: %s', async (_, token, message) => {
    const forged: unknown[] = []
    const { parts } = server.auth
    const limits = { ...parts.limits, forgedToken: (source: unknown) => void forged.push(source) }
    const visitor = visitorOf()
    const read = () => readRefreshToken({ ...parts, limits }, visitor, token())
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID_REFRESH_TOKEN', message }))
    expect(forged).toEqual([visitor])
    const opened = open({}, { limits })
    const refused = refresh(opened.parts, visitor, { refreshToken: token() })
    await expect(refused).rejects.toMatchObject({ message, extensions: { reason: 'TOKEN_INVALID' } })
    await expect(logoutByRefreshToken(opened.parts, visitor, token())).rejects.toMatchObject({ message })
    expect(readRefreshToken({ ...parts, limits }, visitor, tokenOf(4))).toEqual({
      sessionId: laptop.sessionId,
      generation: 4,
    })
    expect(forged).toHaveLength(3)
  })
})

describe('an attempt', () => {
  it('has 22 to 128 characters of some kinds, and is refused otherwise', async () => {
    for (const attempt of ['a'.repeat(22), 'Z9_.-'.repeat(25), 'a'.repeat(128)])
      expect(() => checkAttempt(attempt)).not.toThrow()
    for (const attempt of [
      '',
      'a'.repeat(21),
      'a'.repeat(129),
      `${'a'.repeat(22)} `,
      `é${'a'.repeat(22)}`,
      `${'a'.repeat(22)}\n`,
    ]) {
      expect(() => checkAttempt(attempt)).toThrow(
        expect.objectContaining({
          message: 'An attempt has 22 to 128 characters of A-Z, a-z, 0-9, "-", "_" and ".".',
          extensions: expect.objectContaining({ argument: 'attempt', reason: 'ATTEMPT_INVALID' }),
        }),
      )
      expect(await tryWith(open(), 1, attempt)).toBe('ATTEMPT_INVALID')
    }
    expect(await sessionRow(server, laptop.sessionId)).toMatchObject({ generation: 1 })
    expect(
      await outcomeOf(refresh(server.auth.parts, visitorOf(), { refreshToken: tokenOf(1), attempt: null })),
    ).toBe(2)
  })
})

describe('where the app’s claims fail', () => {
  const failing = () => {
    const app = {
      ...server.auth.parts.app,
      claims: () => {
        throw new Error('The teams are not there.')
      },
    }
    return open({}, { app } as unknown as Partial<Parts>)
  }

  it('nothing is tried twice, unless there is no key to sign with', async () => {
    let calls = 0
    const failing = (failure: Error) => {
      const claims = () => {
        calls++
        throw failure
      }
      return open({}, { app: { ...server.auth.parts.app, claims } } as unknown as Partial<Parts>)
    }
    // The option's failure is no AuthError, whatever the app threw.
    expect(await tryWith(failing(unavailable()), 1)).toBe('The option "claims" threw an error.')
    expect(calls).toBe(1)
    let awaited = 0
    const keys = { ...server.auth.parts.keys, awaitCurrent: async () => void awaited++ }
    const accessTokens = {
      ...server.auth.parts.accessTokens,
      sign: (): never => {
        calls++
        throw badUserInput('a', 'ID_INVALID', 'Another refusal.')
      },
    }
    const app = { ...server.auth.parts.app, claims: () => ({}) }
    const refusing = open({}, { app, keys, accessTokens } as unknown as Partial<Parts>)
    expect(await tryWith(refusing, 1)).toBe('ID_INVALID')
    expect([calls, awaited]).toEqual([2, 0])
    const broken = {
      ...server.auth.parts.accessTokens,
      sign: (): never => {
        calls++
        throw Object.assign(new Error('Not ours.'), { code: 'UNAVAILABLE' })
      },
    }
    const breaking = open({}, { app, keys, accessTokens: broken } as unknown as Partial<Parts>)
    expect(await tryWith(breaking, 1)).toBe('Not ours.')
    expect([calls, awaited]).toEqual([3, 0])
  })

  it('a client with an attempt repeats it, and one without keeps its token', async () => {
    const attempt = newAttempt()
    expect(await tryWith(failing(), 1, attempt)).toBe('The option "claims" threw an error.')
    expect(await sessionRow(server, laptop.sessionId)).toMatchObject({ generation: 2 })
    expect(await tryWith(open(), 1, attempt)).toBe(2)
    laptop = await ada.signIn()
    expect(await tryWith(failing(), 1)).toBe('The option "claims" threw an error.')
    expect(await sessionRow(server, laptop.sessionId)).toMatchObject({ generation: 1 })
    expect(await tryWith(open(), 1)).toBe(2)
  })
})

describe('while the next signing key is being read', () => {
  /** Keys that sign once they were awaited. */
  const late = (claims?: () => object) => {
    const { parts } = server.auth
    let awaited = 0
    const keys = {
      ...parts.keys,
      async awaitCurrent() {
        awaited++
      },
    }
    const accessTokens: Parts['accessTokens'] = {
      ...parts.accessTokens,
      sign(...all) {
        if (awaited === 0) throw unavailable()
        return parts.accessTokens.sign(...all)
      },
    }
    return open({}, {
      keys,
      accessTokens,
      ...(claims && { app: { ...parts.app, claims } }),
    } as Partial<Parts>)
  }

  it('the refresh waits, and no rotation is lost', async () => {
    expect(await tryWith(late(), 1, newAttempt())).toBe(2)
    expect(await tryWith(late(), 2)).toBe(3)
    // With claims of an app and without an attempt, the rotation is undone meanwhile, and made anew.
    expect(
      await tryWith(
        late(() => ({})),
        3,
      ),
    ).toBe(4)
    expect(
      await tryWith(
        late(() => ({})),
        4,
        newAttempt(),
      ),
    ).toBe(5)
    expect(await sessionRow(server, laptop.sessionId)).toMatchObject({ generation: 5 })
  })
})
