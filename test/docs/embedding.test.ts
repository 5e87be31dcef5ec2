import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { listenWith } from '../servers/contract/listenWith.ts'
import { appFolder } from '../support/appFolder.ts'
import { createClient } from '../support/client.ts'
import { newSecret } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { until } from '../support/until.ts'

/* Every program of docs/embedding.md is compiled as strictly as can be, started, and used. */

const file = join(root, 'docs/embedding.md')
const text = await readFile(file, 'utf8')
const programs = text.split('\n## ').flatMap(section => {
  const [title = ''] = section.split('\n', 1)
  return [...section.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source = '']) => ({ title, source }))
})

let folder = ''
beforeAll(async () => {
  folder = await appFolder()
})

/** The errors of a compiler that checks declarations too. */
async function compile(): Promise<string[]> {
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return new Promise(resolve =>
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], (_, stdout) =>
      resolve(stdout.split('\n').filter(line => line !== '')),
    ),
  )
}

describe('docs/embedding.md', () => {
  let child: ChildProcess | undefined
  afterEach(async () => {
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  it('has programs that compile', async () => {
    expect(programs.length).toBeGreaterThanOrEqual(5)
    for (const [at, { source }] of programs.entries()) await writeFile(join(folder, `app${at}.ts`), source)
    expect(await compile()).toEqual([])
  })

  it.each(programs)('has a program that works: $title', async ({ title, source }) => {
    expect(source).toContain('4000')
    const { url, close } = await listenWith(() => {})
    await close()
    const name = `run${programs.findIndex(program => program.title === title)}.ts`
    await writeFile(join(folder, name), source.replaceAll('4000', new URL(url).port))
    const { env } = await createDatabase()
    const { PATH = '' } = process.env
    let errors = ''
    child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), name], {
      cwd: folder,
      env: { PATH, ANNUL_SECRET: newSecret(), ANNUL_LEASE_MS: '500', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr?.on('data', chunk => {
      errors += chunk
    })
    await until(
      async () => child?.exitCode !== null || (await fetch(url).then(Boolean, () => false)),
      Boolean,
      60_000,
    )
    expect({ exitCode: child.exitCode, errors: child.exitCode === null ? '' : errors }).toEqual({
      exitCode: null,
      errors: '',
    })

    const client = createClient(url)
    const { accessToken: token, userId } = await client.signUp()
    expect(await client.send('{ hello }')).toMatchObject({ status: 401, reason: 'TOKEN_MISSING' })
    expect((await client.send('{ hello }', { token })).data).toEqual({ hello: `Hello ${userId}` })
    expect((await client.send('mutation { logout }', { token })).data).toEqual({ logout: true })
    expect(await client.send('{ hello }', { token })).toMatchObject({ status: 401, reason: 'LOGGED_OUT' })
    const whole = title.includes('everything')
    expect((await fetch(`${url}/readyz`)).ok).toBe(whole)
  })
})
