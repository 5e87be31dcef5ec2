import { describe, expect, it } from '@jest/globals'
import { hash } from '@node-rs/bcrypt'
import { openPasswords } from '../../src/passwords/hash.ts'
import { type LaneName, openHashQueue } from '../../src/passwords/hashQueue.ts'
import { until } from '../support/until.ts'

const refusal = { code: 'TOO_MANY_REQUESTS', details: { retryAfter: 1, recover: 'RETRY' } }

/** A queue whose work ends when the test says so. `started` names the work in the order of its turns. */
function controlled(settings: { cores: number; bound: number }) {
  const queue = openHashQueue(settings)
  const started: string[] = []
  const given: string[] = []
  const open = new Map<string, () => void>()
  let refused = 0
  const turn = () => new Promise<void>(resolve => setImmediate(resolve))
  return {
    queue,
    started,
    /** The works whose results have been given, in order. */
    given,
    get refused() {
      return refused
    },
    add(lane: LaneName, cost: number, name = lane as string) {
      const work = () =>
        new Promise<void>(resolve => {
          started.push(name)
          open.set(name, resolve)
        })
      queue.run(lane, cost, work).then(
        () => given.push(name),
        error => {
          expect(error).toMatchObject(refusal)
          refused++
        },
      )
    },
    async end(name: string) {
      open.get(name)?.()
      open.delete(name)
      await turn()
    },
    turn,
  }
}

describe('the queue of hashes', () => {
  it('is bounded by the sum of the costs, not by the number of hashes', async () => {
    const cheap = controlled({ cores: 1, bound: 20 })
    const expensive = controlled({ cores: 1, bound: 20 })
    for (let count = 0; count < 50; count++) {
      cheap.add('imported', 0.5)
      expensive.add('imported', 5)
    }
    await cheap.turn()
    // One runs, and 20 of half a unit wait, or 2 of five units.
    expect([cheap.refused, expensive.refused]).toEqual([29, 47])
  })

  it('refuses before anything is waited for', async () => {
    const { queue } = controlled({ cores: 1, bound: 1 })
    const never = () => new Promise<void>(() => {})
    void queue.run('own', 1, never)
    void queue.run('own', 1, never)
    let answer: unknown
    queue.run('own', 1, never).catch(error => {
      answer = error
    })
    // Microtasks only: no timer, no I/O and no hash has ended meanwhile.
    await Promise.resolve()
    expect(answer).toMatchObject(refusal)
  })

  it('gives a flood of imported hashes at most half of the cores', async () => {
    const { add, queue, started, turn } = controlled({ cores: 4, bound: 400 })
    for (let count = 0; count < 1000; count++) add('imported', 82)
    await turn()
    expect(started).toEqual(['imported', 'imported'])
    expect(queue.waiting).toBe(2)
    add('own', 1)
    add('own', 1)
    await turn()
    expect(started.slice(2)).toEqual(['own', 'own'])
  })

  it('keeps the whole lane of own hashes free while that of imported ones is full', async () => {
    const flooded = controlled({ cores: 2, bound: 200 })
    for (let count = 0; count < 1000; count++) flooded.add('imported', 10)
    await flooded.turn()
    expect(flooded.refused).toBe(1000 - 1 - 10)
    for (let count = 0; count < 202; count++) flooded.add('own', 1)
    await flooded.turn()
    // One runs beside the imported one, 200 wait, and one is refused.
    expect(flooded.refused).toBe(1000 - 1 - 10 + 1)
  })

  it('lets an own hash on a single core wait for one imported hash of a flood', async () => {
    const { add, end, started, turn } = controlled({ cores: 1, bound: 400 })
    for (const name of ['first', 'second', 'third']) add('imported', 82, name)
    add('own', 1)
    await turn()
    await end('first')
    expect(started).toEqual(['first', 'own'])
    await end('own')
    await end('second')
    expect(started).toEqual(['first', 'own', 'second', 'third'])
  })

  it('gives both lanes of a single core the same amount of work', async () => {
    const { add, end, started, turn } = controlled({ cores: 1, bound: 400 })
    for (const name of ['i1', 'i2', 'i3']) add('imported', 5, name)
    for (let count = 1; count <= 15; count++) add('own', 1, `o${count}`)
    await turn()
    for (let count = 0; count < 18; count++) await end(started[count] ?? '')
    const own = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => `o${from + index}`)
    // The first one runs before there is another to be compared with.
    expect(started).toEqual(['i1', ...own(1, 1), 'i2', ...own(2, 6), 'i3', ...own(7, 15)])
  })

  it('lets one hash that is above the bound wait where nothing else does', async () => {
    const queue = controlled({ cores: 1, bound: 2 })
    queue.add('imported', 82, 'first')
    queue.add('imported', 82, 'second')
    queue.add('imported', 82, 'third')
    await queue.turn()
    expect(queue.refused).toBe(1)
    await queue.end('first')
    expect(queue.started).toEqual(['first', 'second'])
  })

  it('gives the results of a long line in groups of half of those that wait, and of at most 16', async () => {
    const { add, end, given, started, turn } = controlled({ cores: 1, bound: 100 })
    for (let count = 1; count <= 65; count++) add('own', 1, `o${count}`)
    await turn()
    const groups: number[] = []
    for (let ended = 0; ended < 65; ended++) {
      const before = given.length
      await end(started[ended] ?? '')
      if (given.length > before) groups.push(given.length - before)
    }
    // When the second 16 have ended, 32 wait: the groups get smaller with the line.
    expect(groups).toEqual([16, 16, 11, 7, 5, 3, 2, 2, 1, 1, 1])
    expect(new Set(given).size).toBe(65)
  })

  it('holds no result back while no other of its lane runs', async () => {
    const { add, end, given, started, turn } = controlled({ cores: 1, bound: 100 })
    for (let count = 1; count <= 10; count++) add('own', 1, `o${count}`)
    for (const name of ['i1', 'i2']) add('imported', 4, name)
    await turn()
    await end('o1')
    expect([started.at(-1), given]).toEqual(['o2', []])
    // An imported hash may run for a second.
    await end('o2')
    expect([started.at(-1), [...given].sort()]).toEqual(['i1', ['o1', 'o2']])
  })

  it('goes on after work that failed', async () => {
    const queue = openHashQueue({ cores: 1, bound: 10 })
    const failing = queue.run('own', 1, () => Promise.reject(new Error('broken')))
    const next = queue.run('own', 1, async () => 'done')
    await expect(failing).rejects.toThrow('broken')
    expect(await next).toBe('done')
    expect(queue.waiting).toBe(0)
  })
})

describe('a flood of sign-ins with bcrypt hashes', () => {
  it('refuses all but the bound, and one of Annul’s own hashes comes before the second of them', async () => {
    const passwords = await openPasswords({ cores: 1, queue: 100 })
    const imported = await hash('the right password', 10)
    const own = await passwords.hash('the right password')
    const order: string[] = []
    let refused = 0
    const flood = Array.from({ length: 500 }, () =>
      passwords.verify(imported, 'a wrong password').then(
        () => order.push('imported'),
        error => {
          expect(error).toMatchObject(refusal)
          refused++
        },
      ),
    )
    const signIn = passwords.verify(own, 'the right password').then(right => order.push(`own ${right}`))
    await until(() => refused > 0)
    // 1024 rounds are 5.12 own hashes: one runs, and nine wait within the bound of 50.
    expect(refused).toBe(490)
    await Promise.all([signIn, ...flood])
    expect(order.indexOf('own true')).toBe(1)
    expect(order).toHaveLength(11)
  })
})
