import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { nodeOn } from './cores.js'

/*
 * Functions of another process, over Node's own channel: measuring takes no HTTP route of the server that is measured.
 */

/** In the child: answers the parent's calls with these functions. */
export function answerCalls(functions) {
  process.on('message', async ({ id, name, input }) => {
    try {
      process.send({ id, output: await functions[name](input) })
    } catch (error) {
      process.send({ id, failure: error?.stack ?? String(error) })
    }
  })
  // A parent that died leaves no servers behind.
  process.on('disconnect', () => process.exit(1))
}

/**
 * In the parent: starts a file of this folder.
 *
 * @param {'server' | 'rest' | 'all'} where the cores that it gets
 */
export function startProcess(file, { where, args = [] }) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    ...nodeOn(where),
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const waiting = new Map()
  let calls = 0
  child.on('message', ({ id, output, failure }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (failure === undefined) resolve(output)
    else reject(new Error(`${file}: ${failure}`))
  })
  const ended = new Promise(resolve => child.once('exit', resolve))
  ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended.`))
  })
  return {
    call(name, input) {
      return new Promise((resolve, reject) => {
        waiting.set(++calls, { resolve, reject })
        child.send({ id: calls, name, input })
      })
    },
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
