import { createRequire } from 'node:module'

const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer')

/** Each gets a fresh process, of the two that run the tests. */
const first = ['simulation.test.ts', 'races.test.ts']

/**
 * As ever, but first what makes the most promises: once some other file has used async context, Node 20 calls hooks for
 * each promise of the process, and the simulation takes eight times as long, the races twice.
 */
export default class FreshFirst extends Sequencer {
  sort(tests) {
    const isFirst = ({ path }) => first.some(name => path.endsWith(`/${name}`))
    return super.sort(tests).sort((one, other) => Number(isFirst(other)) - Number(isFirst(one)))
  }
}
