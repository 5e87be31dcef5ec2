import { pathToFileURL } from 'node:url'
import type { Circus } from '@jest/types'
import { getState, resetState, run, setState } from 'jest-circus'

/** A test of a file, as it was declared. */
export interface Declared {
  readonly id: string
  readonly name: string
  readonly file: string
  readonly test: Circus.TestEntry
  readonly mode: Circus.TestMode
}

/** A test file that stays loaded, and can run again and again. */
export interface WarmFile {
  readonly path: string
  readonly tests: readonly Declared[]
  /** Milliseconds that its last whole run took, hooks included. */
  took: number
  /** Runs the chosen tests, with the file's hooks. @returns what failed beside the tests */
  run(isChosen: (test: Declared) => boolean): Promise<unknown[]>
}

/** For hooks, and for tests whose usual time is not known. */
const testTimeoutMs = 20_000

/** Imports a test file, which declares its tests, and keeps what it has declared. */
export async function loadFile(path: string): Promise<WarmFile> {
  resetState()
  getState().testTimeout = testTimeoutMs
  await import(pathToFileURL(path).href)
  const state = getState()
  const { blocks, entries } = within(state.rootDescribeBlock)
  if (entries.length === 0) throw new Error(`${path} declares no test.`)
  const tests = entries.map((test, at) => ({
    id: `${path}#${at}`,
    name: `${path} ${test.name}`,
    file: path,
    test,
    mode: test.mode,
  }))
  return {
    path,
    tests,
    took: 0,
    async run(isChosen) {
      setState(state)
      for (const block of blocks) for (const hook of block.hooks) hook.seenDone = false
      for (const declared of tests) {
        Object.assign(declared.test, { errors: [], status: null, seenDone: false, duration: null })
        declared.test.unhandledRejectionErrorByPromise.clear()
        declared.test.mode = isChosen(declared) ? declared.mode : 'skip'
      }
      Object.assign(state, { unhandledErrors: [], currentlyRunningTest: null, hasStarted: false })
      await run()
      return [...state.unhandledErrors]
    },
  }
}

function within(block: Circus.DescribeBlock): {
  blocks: Circus.DescribeBlock[]
  entries: Circus.TestEntry[]
} {
  const blocks = [block]
  const entries: Circus.TestEntry[] = []
  for (const child of block.children)
    if (child.type === 'test') entries.push(child)
    else {
      const inner = within(child)
      blocks.push(...inner.blocks)
      entries.push(...inner.entries)
    }
  return { blocks, entries }
}
