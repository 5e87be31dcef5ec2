import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { newSecret } from '../support/command.ts'
import { createDatabase, temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'

/* An app that has installed the framework, and not what the adapters need beside it. */

let folder = ''
beforeAll(async () => {
  folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, 'annul'), { recursive: true })
  for (const part of ['dist', 'schema', 'drizzle', 'package.json'])
    await cp(join(root, part), join(modules, 'annul', part), { recursive: true })
  const missing = ['.bin', '.package-lock.json', '@fastify', '@apollo', 'annul']
  for (const name of await readdir(join(root, 'node_modules')))
    if (!missing.includes(name)) await symlink(join(root, 'node_modules', name), join(modules, name))
})

async function run(program: string): Promise<string> {
  const { env } = await createDatabase()
  const { PATH = '' } = process.env
  await writeFile(join(folder, 'app.mjs'), `import { createAuth } from 'annul'\n${program}`)
  const settings = { PATH, ANNUL_SECRET: newSecret(), ANNUL_LOG_LEVEL: 'silent', ...env }
  return (await promisify(execFile)(process.execPath, ['app.mjs'], { cwd: folder, env: settings })).stdout
}

const install = 'npm install fastify @fastify/cors @fastify/helmet @fastify/websocket @apollo/server'

describe('an app without the packages of the server', () => {
  it('is told what to install for annul/fastify', async () => {
    const told = await run(`
      import { fastify } from 'fastify'
      import { annulFastify } from 'annul/fastify'
      const auth = await createAuth()
      const app = fastify()
      await app.register(annulFastify, { auth }).then(() => {}, error => console.log(error.message))
      await auth.close()
    `)
    expect(told).toBe(`annul/fastify needs packages that are not installed: ${install}\n`)
  })

  it('is told what to install for annul/express, at the start', async () => {
    const told = await run(`
      import { annulExpress } from 'annul/express'
      const auth = await createAuth()
      await annulExpress(auth).ready.catch(error => console.log(error.message))
      await auth.close()
    `)
    expect(told).toBe(`annul/express needs packages that are not installed: ${install}\n`)
  })
})
