import { TestEnvironment } from 'jest-environment-node'

/*
 * Jest gives a worker 500 ms to end, and then warns of open handles. Node takes longer than that to free a gigabyte of
 * test contexts on a busy machine. `beforeExit` comes only when nothing is open any more, so a real leak is still told
 * of; from there process.exit() ends the worker without freeing its memory first.
 */
if (process.send !== undefined) process.once('beforeExit', () => process.exit())

export default TestEnvironment
