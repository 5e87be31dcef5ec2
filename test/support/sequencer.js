import Sequencer from '@jest/test-sequencer'

/**
 * As ever, but first the simulation, in a fresh process: once some other file has used async context, Node 20 calls hooks
 * for each promise of the process, and the simulation, made of promises, takes eight times as long. Beside it the races,
 * so that nobody waits for the longest file in the end.
 */
const first = ['simulation.test.ts', 'races.test.ts']

export default class FreshFirst extends Sequencer {
  sort(tests) {
    const isFirst = ({ path }) => first.some(name => path.endsWith(`/${name}`))
    return super.sort(tests).sort((one, other) => Number(isFirst(other)) - Number(isFirst(one)))
  }
}
