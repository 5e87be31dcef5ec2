import { createRequire } from 'node:module'

const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer')

/**
 * As ever, but the simulation first: once some other file's server has used async context, Node 20 calls hooks for
 * each promise of the process, and the simulation, which is made of promises, takes eight times as long.
 */
export default class SimulationFirst extends Sequencer {
  sort(tests) {
    const isSimulation = ({ path }) => path.endsWith('simulation.test.ts')
    return super.sort(tests).sort((one, other) => Number(isSimulation(other)) - Number(isSimulation(one)))
  }
}
