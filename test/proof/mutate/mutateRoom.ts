import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { root } from '../../support/imports.ts'
import type { Room } from './rooms.ts'

/** A change that no test has seen. */
export interface Survivor {
  readonly file: string
  /** The text that was changed, with the spaces and line breaks within it as one space. */
  readonly from: string
  readonly to: string
}

export interface Mutated {
  readonly survivors: readonly Survivor[]
  /** Changes by outcome: Killed, Timeout, Survived, NoCoverage, … */
  readonly counts: Readonly<Record<string, number>>
}

/** Makes every change in a room, one at a time, and runs the room's tests that reach it. */
export async function mutateRoom(room: Room, concurrency: number): Promise<Mutated> {
  const state = join('.stryker-tmp', 'state')
  const results = await new Stryker({
    mutate: [...room.mutate],
    concurrency,
    testRunner: 'jest',
    testRunnerNodeArgs: ['--experimental-vm-modules', '--no-warnings'],
    jest: {
      projectType: 'custom',
      enableFindRelatedTests: false,
      config: {
        testMatch: room.tests.map(path => `<rootDir>/${path}`),
        testEnvironment: '@stryker-mutator/jest-runner/jest-env/node',
        // The run's one PostgreSQL serves all changes (main.ts).
        globalSetup: undefined,
        globalTeardown: undefined,
      },
    },
    coverageAnalysis: 'perTest',
    ignorePatterns: ['bench', 'examples', 'docs', '.annul'],
    // Started anew from time to time: modules of a vm context are never freed.
    maxTestRunnerReuse: 40,
    incremental: true,
    incrementalFile: join(state, `${room.name}.json`),
    reporters: ['progress-append-only'],
    // Stryker would rewrite the compiler's settings with the API of an older compiler. Nothing is compiled here.
    tsconfigFile: 'none.json',
    disableTypeChecks: true,
    timeoutMS: 20_000,
    timeoutFactor: 3,
    dryRunTimeoutMinutes: 20,
    warnings: false,
  }).runMutationTest()

  const counts: Record<string, number> = {}
  for (const { status } of results) counts[status] = (counts[status] ?? 0) + 1
  const survivors = results
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ fileName, location: { start, end }, replacement = '' }) => ({
      file: relative(root, fileName),
      from: oneLine(textBetween(readFileSync(fileName, 'utf8'), start, end)),
      to: oneLine(replacement),
    }))
  return { survivors, counts }
}

interface Position {
  readonly line: number
  readonly column: number
}

function textBetween(text: string, start: Position, end: Position): string {
  const lines = text.split('\n').slice(start.line, end.line + 1)
  const last = lines.length - 1
  return lines
    .map((line, at) => line.slice(at === 0 ? start.column : 0, at === last ? end.column : undefined))
    .join('\n')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
