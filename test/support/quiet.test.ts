import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'
import { temporaryDirectory } from './database.ts'

const files = {
  'silent.test.js': `it('is silent', () => {})`,
  'writes.test.js': `it('writes', () => console.warn('ink'))`,
  'restores.test.js': `it('writes', () => { console.log('ink'); jest.restoreAllMocks() })`,
  'loads.test.js': `console.error('ink'); it('is silent', () => {})`,
  'opens.test.js': `beforeAll(() => console.info('ink')); it('is silent', () => {})`,
  'closes.test.js': `afterAll(() => console.debug('ink')); it('is silent', () => {})`,
}

it('A test file that writes to the console fails, wherever it does so', async () => {
  const rootDir = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) await writeFile(join(rootDir, name), text)
  const swc = fileURLToPath(import.meta.resolve('@swc/jest'))
  const config = {
    rootDir,
    testEnvironment: fileURLToPath(import.meta.resolve('jest-environment-node')),
    extensionsToTreatAsEsm: ['.ts'],
    transform: {
      '\\.ts$': [
        swc,
        { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
      ],
    },
    setupFilesAfterEnv: [fileURLToPath(new URL('quiet.ts', import.meta.url))],
  }
  const jest = fileURLToPath(import.meta.resolve('jest/bin/jest'))
  const output = await run(jest, '--json', '--runInBand', '--config', JSON.stringify(config))

  const { testResults } = JSON.parse(output) as {
    testResults: { name: string; status: string; message: string }[]
  }
  const failed = testResults.filter(({ status }) => status === 'failed')
  expect(failed.map(({ name }) => name.slice(rootDir.length + 1)).sort()).toEqual(
    Object.keys(files)
      .filter(name => name !== 'silent.test.js')
      .sort(),
  )
  for (const { message } of failed) expect(message).toContain('The test wrote to the console: ink')
  expect(testResults).toHaveLength(Object.keys(files).length)
})

/** Runs a script of Node. @returns its standard output, whatever its status */
function run(script: string, ...args: string[]): Promise<string> {
  const options = {
    env: { PATH: process.env.PATH ?? '', NODE_OPTIONS: '--experimental-vm-modules --no-warnings' },
  }
  return new Promise(resolve =>
    execFile(process.execPath, [script, ...args], options, (_error, stdout) => resolve(stdout)),
  )
}
