import { describe, expect, it } from '@jest/globals'
import { AuthError } from '../../src/errors.ts'
import { type BudgetName, budgets } from '../../src/limits/budgets.ts'
import { budgetKeys } from '../../src/limits/keys.ts'
import { factorAccount, openLimits, type Source } from '../../src/limits/limits.ts'
import { memoryStore } from '../../src/limits/memoryStore.ts'
import type { Charge, Settlement } from '../../src/limits/store.ts'

/* What each attempt is charged to, and what becomes of it. The budgets are kept in memory, with a clock that the test moves. */

const secret = Buffer.alloc(32, 'a secret of 32 bytes in a test. ')
const account = 'ada@example.com'
const network = '203.0.113.7'
const outage = new Error('The database does not answer.')

/** A visitor from an address: on no device, on a device of another account, or on one that the account knows. */
const from = (ipAddress: string | null = network, device?: { id: string; knows?: string }): Source => ({
  ipAddress,
  device: { knownId: device?.id, knows: name => name === device?.knows },
})
const known = (ipAddress: string | null = network) => from(ipAddress, { id: 'device', knows: account })

/** The names of the budgets that a test meets, by their keys. */
const key = budgetKeys(secret)
const names = new Map<string, string>()
for (const [budget, ...of] of [
  ['account', account],
  ['address', network],
  ['account-address', account, network],
  ['device', account, 'device'],
  ['session', account, 'session'],
  ['factor', 'ada'],
  ['factor-device', 'ada', 'device'],
  ['factor-changes', 'ada'],
  ['register', network],
  ['one-time-token', network],
  ['mail-recipient', 'bob@example.com'],
  ['mail-account', account],
  ['mail-address', network],
  ['reset-recipient', 'bob@example.com'],
  ['warning', 'password-changed', account],
  ['warning', 'reuse-detected', account],
] as [BudgetName, ...string[]][])
  names.set(key(budget, ...of).toString('hex'), [budget, ...of].join(' '))
const nameOf = (bytes: Buffer) => names.get(bytes.toString('hex')) ?? 'a budget that this test does not know'

function open({ isOn = true } = {}) {
  const state = { fails: false, now: 0 }
  const memory = memoryStore(() => state.now)
  const charged: string[][] = []
  const settled: string[][] = []
  const refused: string[] = []
  const warned: unknown[][] = []
  const check = () => {
    if (state.fails) throw outage
  }
  const limits = openLimits({
    secret,
    isOn,
    store: {
      async charge(charges: readonly Charge[]) {
        check()
        const verdict = memory.chargeNow(charges)
        for (const { budget } of charges) expect(Object.values(budgets)).toContain(budget)
        if (verdict.charged)
          charged.push(charges.map(({ key, cost, failures }) => `${nameOf(key)}: ${cost} ${failures}`))
        return verdict
      },
      async settle(settlements: readonly Settlement[]) {
        check()
        settled.push(settlements.map(({ key, back, failures }) => `${nameOf(key)}: ${back} ${failures}`))
        await memory.settle(settlements)
      },
    },
    metrics: { limited: budget => refused.push(budget) },
    log: { warn: (...all: unknown[]) => void warned.push(all) },
  })
  return { ...limits, charged, settled, refused, warned, state }
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    error => (error instanceof AuthError ? [error.code, error.extensions.retryAfter] : String(error)),
  )

const counted = `account ${account}: 0 1`
const onDevice = `device ${account} device: 1 1`
const shared = [
  `account ${account}: 1 1`,
  `account-address ${account} ${network}: 1 0`,
  `address ${network}: 1 0`,
]
const inSession = `session ${account} session: 1 0`

describe('an attempt with a password', () => {
  it('from an unknown device is charged to the account, to the address and to both', async () => {
    for (const source of [from(), from(network, { id: 'device', knows: 'bob@example.com' })]) {
      const limits = open()
      await limits.password(source, account)
      expect(limits.charged).toEqual([shared])
    }
  })

  it('from nowhere that is known is charged to the account', async () => {
    const limits = open()
    for (const nowhere of [null, 'a socket']) await limits.password(from(nowhere), account)
    expect(limits.charged).toEqual([shared.slice(0, 1), shared.slice(0, 1)])
  })

  it('from a device that the account knows is charged to that, and counted as the account’s', async () => {
    const limits = open()
    const { isLocked } = await limits.password(known(), account)
    expect([limits.charged, isLocked]).toEqual([[[counted, onDevice]], false])
  })

  it('in a session is charged to the session, and on a known device to both', async () => {
    const limits = open()
    await limits.password(from(), account, 'session')
    await limits.password(known(), account, 'session')
    expect(limits.charged).toEqual([
      [counted, inSession],
      [counted, onDevice, inSession],
    ])
  })

  it('that succeeds gets back what it was charged, and ends the failures in a row', async () => {
    const limits = open()
    for (const [source, session] of [[from()], [known()], [from(), 'session'], [known(), 'session']] as [
      Source,
      string?,
    ][])
      await (await limits.password(source, account, session)).succeeded()
    expect(limits.settled).toEqual([
      [
        `account ${account}: 1 none`,
        `account-address ${account} ${network}: 1 kept`,
        `address ${network}: 1 kept`,
      ],
      [`account ${account}: 0 none`, `device ${account} device: 1 none`],
      [`account ${account}: 0 none`, `session ${account} session: 1 kept`],
      [
        `account ${account}: 0 none`,
        `device ${account} device: 1 none`,
        `session ${account} session: 1 kept`,
      ],
    ])
  })

  it('whose work fails was none, and the failure is passed on', async () => {
    const limits = open()
    const attempt = await limits.password(from(), account)
    const work = attempt.run(() => Promise.reject(new Error('An outage.')))
    await expect(work).rejects.toThrow('An outage.')
    expect(limits.settled).toEqual([
      [
        `account ${account}: 1 one less`,
        `account-address ${account} ${network}: 1 kept`,
        `address ${network}: 1 kept`,
      ],
    ])
  })

  it('whose work is done stays charged until it is known to have succeeded', async () => {
    const limits = open()
    const attempt = await limits.password(from(), account)
    expect(await attempt.run(async () => 'the answer')).toBe('the answer')
    expect(limits.settled).toEqual([])
  })

  it('is refused where one budget has no room, which the metrics name, and is charged to none', async () => {
    const limits = open()
    for (let tries = 0; tries < 5; tries++) await limits.password(from(), account)
    expect(await refusalOf(limits.password(from(), account))).toEqual(['TOO_MANY_REQUESTS', 180])
    expect(limits.refused).toEqual(['account-address'])
    expect(limits.charged).toHaveLength(5)
    // From another address there is room: 10 for the account in all.
    for (let tries = 0; tries < 5; tries++) await limits.password(from('198.51.100.1'), account)
    expect(await refusalOf(limits.password(from(), account))).toEqual(['TOO_MANY_REQUESTS', 180])
    expect(limits.refused.slice(1)).toEqual(['account', 'account-address'])
    expect(await refusalOf(limits.password(from('198.51.100.2'), account))).toEqual(['TOO_MANY_REQUESTS', 90])
    // On its own device the owner has 10 more.
    for (let tries = 0; tries < 10; tries++) await limits.password(known(), account)
    expect(await refusalOf(limits.password(known(), account))).toEqual(['TOO_MANY_REQUESTS', 90])
    expect(limits.refused.at(-1)).toBe('device')
  })

  it('that cannot be charged is none', async () => {
    const limits = open()
    limits.state.fails = true
    expect(await refusalOf(limits.password(from(), account))).toBe('Error: The database does not answer.')
  })

  it('whose charge cannot be given back has succeeded all the same, and the operator hears of it', async () => {
    const limits = open()
    const attempt = await limits.password(from(), account)
    limits.state.fails = true
    await attempt.succeeded()
    expect(limits.warned).toEqual([[{ err: outage }, 'A budget could not be given back.']])
    await expect(attempt.run(() => Promise.reject(new Error('An outage.')))).rejects.toThrow('An outage.')
  })
})

describe('100 failed attempts in a row (NIST SP 800-63B-4, 3.2.2)', () => {
  /** Fails so often. Between the attempts time gives every budget back, but no failure. */
  async function fail(limits: ReturnType<typeof open>, count: number, source = from(), session?: string) {
    const locked: boolean[] = []
    for (let tries = 0; tries < count; tries++) {
      limits.state.now += 900_000
      locked.push((await limits.password(source, account, session)).isLocked)
    }
    return { first: locked.indexOf(true) + 1, locked: locked.filter(Boolean).length }
  }

  it('lock the account for unknown devices, and for sessions on them', async () => {
    const limits = open()
    expect(await fail(limits, 103)).toEqual({ first: 101, locked: 3 })
    expect(await fail(limits, 1, from(), 'session')).toEqual({ first: 1, locked: 1 })
    expect(await fail(limits, 1, from(null))).toEqual({ first: 1, locked: 1 })
  })

  it('in a session lock the account just so', async () => {
    const limits = open()
    expect(await fail(limits, 102, from(), 'session')).toEqual({ first: 101, locked: 2 })
    expect(await fail(limits, 1)).toEqual({ first: 1, locked: 1 })
  })

  it('keep no device out that the account knows, nor a session on one', async () => {
    const limits = open()
    await fail(limits, 150)
    expect(await fail(limits, 50, known())).toEqual({ first: 0, locked: 0 })
    expect(await fail(limits, 50, known(), 'session')).toEqual({ first: 0, locked: 0 })
    expect(limits.charged.at(-1)).toEqual([counted, onDevice, inSession])
  })

  it('on a known device make it an unknown one, whose failures are counted once', async () => {
    const limits = open()
    expect(await fail(limits, 100, known())).toEqual({ first: 0, locked: 0 })
    expect(limits.charged).toHaveLength(100)
    limits.state.now += 900_000
    const attempt = await limits.password(known(), account)
    expect(attempt.isLocked).toBe(true)
    const [first = '', ...addresses] = shared
    expect(limits.charged.slice(100)).toEqual([
      [counted, onDevice],
      [first.replace(/1$/, '0'), ...addresses],
    ])
    // A success gives back all of it.
    await attempt.succeeded()
    expect(limits.settled).toEqual([
      [
        `account ${account}: 1 none`,
        `account-address ${account} ${network}: 1 kept`,
        `address ${network}: 1 kept`,
        `device ${account} device: 1 none`,
      ],
    ])
    expect(await fail(limits, 1, known())).toEqual({ first: 0, locked: 0 })
  })

  it('on a known device make it an unknown one in a session, too', async () => {
    const limits = open()
    await fail(limits, 100, known())
    expect(await fail(limits, 1, known(), 'session')).toEqual({ first: 1, locked: 1 })
    expect(limits.charged).toHaveLength(101)
  })

  it('are forgotten once the owner has proved to be the owner', async () => {
    const limits = open()
    await fail(limits, 101)
    await limits.proved(account)
    expect(limits.settled).toEqual([[`account ${account}: 0 none`]])
    expect(await fail(limits, 101)).toEqual({ first: 101, locked: 1 })
    limits.state.fails = true
    await limits.proved(account)
    expect(limits.warned).toEqual([[{ err: outage }, 'A budget could not be given back.']])
  })
})

describe('an attempt with a second factor', () => {
  const proved = () => from(network, { id: 'device', knows: factorAccount('ada') })

  it('is charged to the user and the address, or to a device on which the user has used a factor', async () => {
    const limits = open()
    await limits.factor(from(), 'ada')
    // The password alone makes no device known here.
    await limits.factor(known(), 'ada')
    await limits.factor(from(network, { id: 'device', knows: 'ada' }), 'ada')
    await limits.factor(from(network, { id: 'device', knows: factorAccount('eve') }), 'ada')
    await limits.factor(proved(), 'ada')
    const shared = ['factor ada: 1 1', `address ${network}: 1 0`]
    expect(limits.charged).toEqual([shared, shared, shared, shared, ['factor-device ada device: 1 1']])
  })

  it('that succeeds gets back what it was charged, and ends the failures of everybody in a row', async () => {
    const limits = open()
    await (await limits.factor(from(), 'ada')).succeeded()
    await (await limits.factor(proved(), 'ada')).succeeded()
    expect(limits.settled.toSorted()).toEqual(
      [
        ['factor ada: 1 none', `address ${network}: 1 kept`],
        ['factor-device ada device: 1 none'],
        ['factor ada: 0 none'],
      ].toSorted(),
    )
  })

  it('is locked after 100 failures in a row, and not on a device on which the user has used a factor', async () => {
    const limits = open()
    const locked: boolean[] = []
    for (let tries = 0; tries < 102; tries++) {
      locked.push((await limits.factor(from(`10.0.${tries}.1`), 'ada')).isLocked)
      limits.state.now += 180_000
    }
    expect(locked.indexOf(true)).toBe(100)
    expect((await limits.factor(proved(), 'ada')).isLocked).toBe(false)
  })
})

describe('any other attempt', () => {
  it('is charged by what it is about, as far as that is known', async () => {
    const limits = open()
    const recipient = 'bob@example.com'
    await limits.charge(from(), 'register', {})
    await limits.charge(from(), 'token', {})
    await limits.charge(from(), 'factor-changes', { userId: 'ada' })
    await limits.charge(from(), 'mail', { recipient })
    await limits.charge(from(), 'mail', { recipient, account })
    await limits.charge(from(), 'reset', { recipient })
    await limits.charge(from(null), 'reset', { recipient })
    expect(limits.charged).toEqual([
      [`register ${network}: 1 0`],
      [`one-time-token ${network}: 1 0`],
      ['factor-changes ada: 1 0'],
      [`mail-recipient ${recipient}: 1 0`, `mail-address ${network}: 1 0`],
      [`mail-recipient ${recipient}: 1 0`, `mail-account ${account}: 1 0`, `mail-address ${network}: 1 0`],
      [`reset-recipient ${recipient}: 1 0`, `mail-address ${network}: 1 0`],
      [`reset-recipient ${recipient}: 1 0`],
    ])
  })

  it('of which nothing is known is charged to nothing, and asks no store', async () => {
    const limits = open()
    limits.state.fails = true
    const attempt = await limits.charge(from(null), 'register', {})
    await attempt.succeeded()
    await expect(attempt.run(() => Promise.reject(new Error('An outage.')))).rejects.toThrow('An outage.')
    expect(limits.warned).toEqual([])
  })

  it('gets its charge back by success, and where its work fails', async () => {
    const limits = open()
    const attempt = await limits.charge(from(), 'reset', { recipient: 'bob@example.com' })
    await attempt.succeeded()
    await attempt.run(() => Promise.reject(new Error('An outage.'))).catch(() => {})
    const both = ['reset-recipient bob@example.com: 1 kept', `mail-address ${network}: 1 kept`]
    expect(limits.settled).toEqual([both, both])
  })

  it('is refused where one budget has no room', async () => {
    const limits = open()
    for (let tries = 0; tries < 10; tries++) await limits.charge(from(), 'factor-changes', { userId: 'ada' })
    const refused = await refusalOf(limits.charge(from(), 'factor-changes', { userId: 'ada' }))
    expect(refused).toEqual(['TOO_MANY_REQUESTS', 360])
    expect(limits.refused).toEqual(['factor-changes'])
  })

  it('waits at least a second, and whole ones', async () => {
    const limits = open()
    for (let tries = 0; tries < 10; tries++) await limits.charge(from(), 'factor-changes', { userId: 'ada' })
    const waits: unknown[] = []
    for (const milliseconds of [1, 359_500, 359_999]) {
      limits.state.now = milliseconds
      waits.push(await refusalOf(limits.charge(from(), 'factor-changes', { userId: 'ada' })))
    }
    expect(waits).toEqual([360, 1, 1].map(seconds => ['TOO_MANY_REQUESTS', seconds]))
  })
})

describe('noise that is counted in the memory of a node', () => {
  it.each<['forgedToken' | 'wrongSecret', string, number]>([
    ['forgedToken', 'forged-token', 100],
    ['wrongSecret', 'service-secret', 30],
  ])('is by %s charged to %s of its address, and asks no store', async (verb, budget, most) => {
    const limits = open()
    limits.state.fails = true
    const count = (source: Source) => refusalOf((async () => limits[verb](source))())
    let tries = 0
    let refusal = await count(from())
    for (; refusal === undefined; refusal = await count(from())) tries++
    expect(refusal).toEqual(['TOO_MANY_REQUESTS', expect.any(Number)])
    // The node's own clock may give some back meanwhile.
    expect(tries).toBeGreaterThanOrEqual(most)
    expect(tries).toBeLessThan(most + 5)
    expect(limits.refused).toEqual([budget])
    expect(await count(from('198.51.100.1'))).toBeUndefined()
    for (let tries = 0; tries < 2 * most; tries++) expect(await count(from(null))).toBeUndefined()
  })
})

describe('a warning', () => {
  it('is mailed 5 times to one address, of each kind', async () => {
    const limits = open()
    const mailed: boolean[] = []
    for (let count = 0; count < 6; count++) mailed.push(await limits.warns('password-changed', account))
    expect(mailed).toEqual([true, true, true, true, true, false])
    expect(limits.refused).toEqual(['warning'])
    expect(await limits.warns('reuse-detected', account)).toBe(true)
    expect(limits.charged.slice(4)).toEqual([
      [`warning password-changed ${account}: 1 0`],
      [`warning reuse-detected ${account}: 1 0`],
    ])
  })

  it('is mailed where the budgets can’t be asked, and the operator hears of it', async () => {
    const limits = open()
    limits.state.fails = true
    expect(await limits.warns('password-changed', account)).toBe(true)
    expect(limits.warned).toEqual([
      [{ err: outage }, 'A budget could not be charged, and a warning is mailed.'],
    ])
    expect(limits.refused).toEqual([])
  })
})

it('Limits that are off refuse nothing, charge nothing and ask nobody', async () => {
  const limits = open({ isOn: false })
  limits.state.fails = true
  for (let tries = 0; tries < 200; tries++) {
    const attempts = [
      await limits.password(from(), account),
      await limits.factor(from(), 'ada'),
      await limits.charge(from(), 'register', {}),
    ] as const
    expect(attempts[0].isLocked).toBe(false)
    expect(attempts[1]).toMatchObject({ isLocked: false, failures: 0 })
    for (const attempt of attempts) {
      await attempt.succeeded()
      expect(await attempt.run(async () => 'the answer')).toBe('the answer')
    }
    limits.forgedToken(from())
    limits.wrongSecret(from())
    expect(await limits.warns('password-changed', account)).toBe(true)
    await limits.proved(account)
  }
  expect([limits.charged, limits.settled, limits.refused, limits.warned]).toEqual([[], [], [], []])
})
