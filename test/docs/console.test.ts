import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, it } from '@jest/globals'
import { describeInChromium, useBrowser } from '../client/browser/chromium.ts'
import { appFolder } from '../support/appFolder.ts'
import { createClient } from '../support/client.ts'
import { newSecret } from '../support/command.ts'
import { signIn } from '../support/console.ts'
import { createDatabase } from '../support/database.ts'
import { freePort } from '../support/freePort.js'
import { root } from '../support/imports.ts'
import { until } from '../support/until.ts'

let child: ChildProcess | undefined
afterEach(async () => {
  if (child === undefined || child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
})

describeInChromium('The program of docs/console.md', () => {
  const browser = useBrowser()

  it('shows the console beside an Apollo Server on Express, and a person signs in there', async () => {
    const text = await readFile(join(root, 'docs/console.md'), 'utf8')
    const [, program = ''] = /```ts\n([\s\S]*?)```/.exec(text) ?? []
    const folder = await appFolder()
    await writeFile(join(folder, 'server.ts'), program)

    const { env } = await createDatabase()
    const port = String(await freePort())
    let output = ''
    child = spawn(process.execPath, ['--import', 'tsx', 'server.ts'], {
      cwd: folder,
      env: { PATH: process.env.PATH, PORT: port, ANNUL_SECRET: newSecret(), ...env },
    })
    child.stdout?.on('data', data => {
      output += data
    })
    child.stderr?.on('data', data => {
      output += data
    })
    await until(() => output.includes('Ready'), undefined, 60_000)
    const account = await createClient(`http://localhost:${port}`).signUp()
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(`http://localhost:${port}/console#/sign-in`)
    await signIn(page, account)
    await context.close()
  }, 120_000)
})
