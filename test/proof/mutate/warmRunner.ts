import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import type { Circus } from '@jest/types'
import type { CoverageData, InstrumenterContext, StrykerOptions } from '@stryker-mutator/api/core'
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin'
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner'
import { addEventHandler } from 'jest-circus'
import { loadFile, type WarmFile } from './warmFile.ts'

/*
 * Loads the code and the test files once, and runs the tests for one change after the other. Jest would load everything
 * anew for each change, which takes many times as long as the tests. The tests are run by Jest's own runner for one
 * file (jest-circus), hooks included: each file opens its server and its database anew for each change.
 */

declare global {
  var __stryker__: InstrumenterContext | undefined
}

/** Where the first run notes how long each test took, for all processes. In the folder of the changed copy. */
const durations = 'durations.json'
/** No test that passes takes this, and eight times its usual time. */
const leastTimeoutMs = 4000

/** What the changed code reads: which change is active, and where it notes what was reached. */
type Context = { -readonly [K in keyof InstrumenterContext]: InstrumenterContext[K] | undefined }

globalThis.__stryker__ ??= {}
const context: Context = globalThis.__stryker__
/** Errors that nobody has caught, from the background of a test. */
const uncaught = new Set<unknown>()
process.on('uncaughtException', error => uncaught.add(error))
process.on('unhandledRejection', (_, promise) => uncaught.add(promise))
process.on('rejectionHandled', promise => uncaught.delete(promise))

class WarmRunner implements TestRunner {
  static readonly inject = tokens(commonTokens.options)
  readonly #paths: readonly string[]
  #files: WarmFile[] | undefined
  /** By changed file and test file: how many changes the test file has seen. */
  readonly #kills = new Map<string, number>()

  #lastKiller: string | undefined

  constructor(options: StrykerOptions) {
    this.#paths = options.warmTests as readonly string[]
  }

  capabilities() {
    // A change of what a module computes when it is loaded needs a new process.
    return { reloadEnvironment: false }
  }

  async dryRun(): Promise<DryRunResult> {
    const files = await this.#load()
    const { tests, failed } = await runFiles(files, undefined, false)
    if (failed !== undefined) return { status: DryRunStatus.Error, errorMessage: failed }
    const coverage = context.mutantCoverage ?? { static: {}, perTest: {} }
    const usual = Object.fromEntries(tests.map(test => [test.id, test.timeSpentMs]))
    writeFileSync(durations, JSON.stringify(usual))
    limit(files, usual)
    // What a file's hooks reach counts for each of its tests.
    for (const { path, tests } of files)
      for (const { id } of tests) coverage.perTest[id] = sum(coverage.perTest[id], coverage.perTest[path])
    for (const { path } of files) delete coverage.perTest[path]
    return { status: DryRunStatus.Complete, tests, mutantCoverage: coverage }
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, hitLimit, mutantActivation, testFilter } = options
    const isStatic = mutantActivation === 'static'
    if (isStatic) context.activeMutant = activeMutant.id
    let files: WarmFile[]
    try {
      files = await this.#load()
    } catch (error) {
      // Without the change they could be loaded. Stryker gives the next change a new process.
      if (isStatic)
        return { status: MutantRunStatus.Killed, killedBy: [], failureMessage: text(error), nrOfTests: 0 }
      throw error
    }
    const key = (file: WarmFile) => `${activeMutant.fileName} ${file.path}`
    const kills = (file: WarmFile) => this.#kills.get(key(file)) ?? 0
    files.sort((one, other) => kills(other) - kills(one))
    context.activeMutant = activeMutant.id
    context.hitCount = 0
    context.hitLimit = hitLimit
    const { tests, failed, last } = await runFiles(files, testFilter && new Set(testFilter), true)
    context.activeMutant = undefined
    const limited = determineHitLimitReached(context.hitCount, hitLimit)
    if (limited) return toMutantRunResult(limited)
    if (failed !== undefined && last !== undefined) {
      this.#kills.set(key(last), kills(last) + 1)
      await this.#checkStillPasses(last, tests)
    }
    return toMutantRunResult({ status: DryRunStatus.Complete, tests })
  }

  /**
   * A change may leave something behind, and every later change would seem to be seen. So a failure that comes twice in
   * a row has to be gone without a change. Otherwise the process ends, and the change is tried again in a new one.
   */
  async #checkStillPasses(file: WarmFile, tests: readonly TestResult[]): Promise<void> {
    const failed = tests.find(test => test.status === TestStatus.Failed)
    const sameAgain = failed?.id === this.#lastKiller
    this.#lastKiller = failed?.id
    if (failed === undefined || !sameAgain) return
    const without = await runFiles([file], new Set([failed.id]), true)
    if (without.failed !== undefined) process.exit(1)
  }

  async #load(): Promise<WarmFile[]> {
    if (this.#files !== undefined) return this.#files
    register(new URL('./resolveGlobals.ts', import.meta.url))
    const files: WarmFile[] = []
    for (const path of this.#paths) files.push(await loadFile(path))
    if (existsSync(durations)) limit(files, JSON.parse(readFileSync(durations, 'utf8')))
    this.#files = files
    return files
  }
}

/** Ends a test that hangs long before the test's own timeout. */
function limit(files: readonly WarmFile[], usual: Readonly<Record<string, number>>): void {
  for (const { id, test } of files.flatMap(file => file.tests))
    if (usual[id] !== undefined) test.timeout = leastTimeoutMs + 8 * usual[id]
}

interface Ran {
  readonly tests: TestResult[]
  /** The first failure, and its file. */
  readonly failed?: string
  readonly last?: WarmFile
}

let onTestDone: (test: Circus.TestEntry) => void = () => {}
let onTestStart: (test: Circus.TestEntry) => void = () => {}
addEventHandler(event => {
  if (event.name === 'test_start') onTestStart(event.test)
  if (event.name === 'test_done') onTestDone(event.test)
})

async function runFiles(
  files: readonly WarmFile[],
  filter: ReadonlySet<string> | undefined,
  bail: boolean,
): Promise<Ran> {
  const tests: TestResult[] = []
  for (const file of files) {
    const chosen = file.tests.filter(({ id, mode }) => (filter?.has(id) ?? true) && mode !== 'skip')
    if (chosen.length === 0) continue
    const byEntry = new Map(file.tests.map(declared => [declared.test, declared]))
    let failure: string | undefined
    context.currentTestId = file.path
    onTestStart = test => {
      context.currentTestId = byEntry.get(test)?.id
    }
    onTestDone = test => {
      context.currentTestId = file.path
      const declared = byEntry.get(test)
      if (declared === undefined) return
      const result = { id: declared.id, name: declared.name, fileName: file.path }
      const timeSpentMs = test.duration ?? 0
      const [error] = test.errors
      if (error === undefined) tests.push({ ...result, timeSpentMs, status: TestStatus.Success })
      else {
        failure ??= `${declared.name}: ${text(error)}`
        tests.push({ ...result, timeSpentMs, status: TestStatus.Failed, failureMessage: text(error) })
        if (bail) for (const each of file.tests) each.test.mode = 'skip'
      }
    }
    uncaught.clear()
    const began = Date.now()
    const ids = new Set(chosen.map(({ id }) => id))
    const told = await file.run(({ id }) => ids.has(id))
    // Node tells of a promise that nobody has caught when it has done all that was waiting.
    await new Promise(resolve => setImmediate(resolve))
    const others = [...told, ...uncaught]
    file.took = Date.now() - began
    context.currentTestId = undefined
    const [other] = others
    const [at] = chosen
    if (other !== undefined && failure === undefined && at !== undefined) {
      failure = `${file.path}, beside its tests: ${text(other)}`
      const { id, name } = at
      const failed = tests.findIndex(each => each.id === id)
      if (failed >= 0) tests.splice(failed, 1)
      tests.push({
        id,
        name,
        fileName: file.path,
        timeSpentMs: 0,
        status: TestStatus.Failed,
        failureMessage: failure,
      })
    }
    if (failure !== undefined) return { tests, failed: failure, last: file }
  }
  return { tests }
}

function text(error: unknown): string {
  const [first] = Array.isArray(error) ? error : [error]
  return first instanceof Error ? (first.stack ?? first.message) : String(first)
}

function sum(one: CoverageData = {}, other: CoverageData = {}): CoverageData {
  const result = { ...one }
  for (const [id, count] of Object.entries(other)) result[id] = (result[id] ?? 0) + count
  return result
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'warm', WarmRunner)]
