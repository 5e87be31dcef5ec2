import Sequencer from '@jest/test-sequencer'

/**
 * Jest's order, with a few files before all others. The simulation needs a fresh process: once a test file has used async
 * context, Node 20 calls hooks for each promise of the process, and the simulation, which consists of promises, takes
 * eight times as long. The races, the examples and the flood are the longest files, and would otherwise end long after the
 * rest. The faults are caused by clients in the test's own process, which is quick while it is young.
 */
const first = ['simulation.test.ts', 'races.test.ts', 'faults.test.ts', 'examples.test.ts', 'flood.test.ts']

export default class FreshFirst extends Sequencer {
  sort(tests) {
    const isFirst = ({ path }) => first.some(name => path.endsWith(`/${name}`))
    return super.sort(tests).sort((one, other) => Number(isFirst(other)) - Number(isFirst(one)))
  }
}
