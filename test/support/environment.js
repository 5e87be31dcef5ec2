import { TestEnvironment } from 'jest-environment-node'

/*
 * Jest gives a worker 500 ms to end, and then warns of open handles. Node takes longer than that to free a gigabyte of
 * test contexts on a busy machine. `beforeExit` comes only when nothing is open any more, so Jest still warns of a real
 * leak. The signal ends the worker there and then, without freeing its memory first.
 */
if (process.send !== undefined) process.once('beforeExit', () => process.kill(process.pid, 'SIGKILL'))

export default TestEnvironment
