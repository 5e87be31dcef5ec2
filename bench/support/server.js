import { Session } from 'node:inspector/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { answerCalls } from './calls.js'

/*
 * The process that is measured. Its argument names a file of subjects/, which exports
 *   start(settings) -> { url, calls? }
 * `calls` are functions of the subject that a bench may want to run beside the event loop's HTTP.
 */

const subject = await import(new URL(`../subjects/${process.argv[2]}.js`, import.meta.url))
const inspector = new Session()
let delay

const functions = {
  async start(settings) {
    const { url, calls } = await subject.start(settings)
    Object.assign(functions, calls)
    return url
  },

  /** Microseconds of CPU time since the start, all threads. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },

  watchEventLoop() {
    delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
  },

  /** Milliseconds. The sampling interval of 1 ms is part of each. */
  eventLoopDelay() {
    delay.disable()
    return { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, samples: delay.count }
  },

  /** Bytes of the heap that are in use, after what nobody needs any more was thrown away. */
  heap() {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc')
    collect()
    collect()
    return process.memoryUsage().heapUsed
  },

  /** Bytes: of the heap and of buffers that are in use, and of the whole process. */
  memory() {
    const heap = functions.heap()
    const { external, rss } = process.memoryUsage()
    return [heap + external, rss]
  },

  async startProfile() {
    inspector.connect()
    await inspector.post('Profiler.enable')
    await inspector.post('Profiler.setSamplingInterval', { interval: 200 })
    await inspector.post('Profiler.start')
  },

  async stopProfile() {
    const { profile } = await inspector.post('Profiler.stop')
    inspector.disconnect()
    return profile
  },
}

answerCalls(functions)
