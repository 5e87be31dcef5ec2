import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import { appFolder } from '../support/appFolder.ts'
import { createClient } from '../support/client.ts'
import { newSecret } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { until } from '../support/until.ts'

/* The program of docs/tracing.md is started as it stands, and prints the spans of a request. */

let child: ChildProcess | undefined
afterEach(async () => {
  if (child === undefined || child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
})

it('docs/tracing.md has a program that prints the spans of a sign-in', async () => {
  const [, program = ''] =
    /```ts\n([\s\S]*?)```/.exec(await readFile(join(root, 'docs/tracing.md'), 'utf8')) ?? []
  const folder = await appFolder()
  await writeFile(join(folder, 'server.js'), program)

  const { env } = await createDatabase()
  let output = ''
  child = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: '0', ANNUL_SECRET: newSecret(), ...env },
  })
  const read = (text: Buffer) => {
    output += text
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  const url = await until(() => /ready at (http:\S+)\/graphql/.exec(output)?.[1], undefined, 60_000)
  const account = await createClient(url ?? '').signUp()
  const printed = () => ["name: 'POST /graphql'", "name: 'annul.register'", "name: 'insert users'"]
  await until(() => printed().every(name => output.includes(name)))
  expect(output).not.toContain(account.email)
}, 120_000)
