import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { root } from '../../support/imports.ts'
import type { Part } from './rooms.ts'

/** A change that no test has seen. */
export interface Survivor {
  readonly file: string
  /** The text that was changed, with the spaces and line breaks within it as one space. */
  readonly from: string
  readonly to: string
  readonly line: number
}

export interface Mutated {
  readonly survivors: readonly Survivor[]
  /** Changes whose tests could not be run, and why. */
  readonly failed: readonly string[]
  /** Changes by outcome: Killed, Timeout, Survived, NoCoverage, … */
  readonly counts: Readonly<Record<string, number>>
  readonly seconds: number
}

/** Makes every change in a room, one at a time, and runs the room's tests that reach it. */
export async function mutatePart(part: Part, concurrency: number): Promise<Mutated> {
  const state = join('.stryker-tmp', 'state')
  const name = part.mutate.join().replace(/[^\w]+/g, '-')
  const began = Date.now()
  const results = await new Stryker({
    mutate: [...part.mutate],
    concurrency,
    testRunner: 'warm',
    plugins: [join(root, 'test/proof/mutate/warmRunner.ts')],
    // Read by the runner.
    warmTests: [...part.tests],
    coverageAnalysis: 'perTest',
    ignorePatterns: ['biome.json', 'bench', 'examples', '.annul'],
    // Started anew from time to time: modules of a vm context are never freed.
    maxTestRunnerReuse: 40,
    incremental: true,
    incrementalFile: join(state, `${name}.json`),
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
  const failed = results
    .filter(({ status }) => status === 'RuntimeError')
    .map(
      ({ fileName, location: { start }, statusReason = '' }) =>
        `${relative(root, fileName)}:${start.line}: ${statusReason}`,
    )
  const survivors = results
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ fileName, location: { start, end }, replacement = '' }) => ({
      file: relative(root, fileName),
      from: oneLine(textBetween(readFileSync(fileName, 'utf8'), start, end)),
      to: oneLine(replacement),
      line: start.line,
    }))
  return { survivors, failed, counts, seconds: Math.round((Date.now() - began) / 1000) }
}

/** Counted from one. */
interface Position {
  readonly line: number
  readonly column: number
}

function textBetween(text: string, start: Position, end: Position): string {
  const lines = text.split('\n').slice(start.line - 1, end.line)
  const last = lines.length - 1
  return lines
    .map((line, at) => line.slice(at === 0 ? start.column - 1 : 0, at === last ? end.column - 1 : undefined))
    .join('\n')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
