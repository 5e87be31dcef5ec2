import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from '@jest/globals'
import { root } from '../support/imports.ts'

/* Chaos, kills, soak and mutate say by their exit code that they have failed. */

test('a process that has PostgreSQL at hand ends with the exit code that it has set', () => {
  const postgres = pathToFileURL(join(root, 'test/support/postgres.js')).href
  const script = `await import('${postgres}'); process.exitCode = 3`
  const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: root })
  expect(status).toBe(3)
})
