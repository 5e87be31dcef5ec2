import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { newSecret } from '../support/command.ts'
import { createDatabase, temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'

/* The programs of docs/former-tokens.md, each in an app that has `annul` installed. */

const text = readFileSync(join(root, 'docs/former-tokens.md'), 'utf8')
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => match[1] ?? '')

/** Runs `main` beside other files. @returns the lines that it prints */
async function run(files: Record<string, string>, main: string, env: Record<string, string> = {}) {
  const folder = await temporaryDirectory()
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules', 'annul'))
  for (const name of ['graphql', 'jsonwebtoken'])
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  for (const [name, content] of Object.entries({ ...files, 'main.mjs': main }))
    await writeFile(join(folder, name), content)
  const { PATH = '' } = process.env
  const options = { cwd: folder, env: { PATH, ...env } }
  const { stdout } = await promisify(execFile)(process.execPath, ['main.mjs'], options)
  return stdout.trim().split('\n')
}

/** Signs a user's token as the system of the documentation does, and asks with it. */
const asking = `
  import { readFileSync } from 'node:fs'
  import { graphql } from 'graphql'
  import jwt from 'jsonwebtoken'
  import { auth } from './auth.mjs'

  const schema = auth.schema()
  const ask = async (source, authorization) => {
    const contextValue = await auth.context({ headers: { authorization } }, { appendHeader() {} })
    const { data, errors } = await graphql({ schema, source, contextValue })
    return errors?.[0].message ?? data
  }
  const { register } = await ask(
    'mutation { register(input: { email: "ada@example.com", password: "correct horse battery staple" }) { user { id } } }',
  )
  const bearer = audience => 'Bearer ' + jwt.sign({}, readFileSync('former-private-key.pem'), {
    algorithm: 'RS256', issuer: 'https://login.example.com', audience, subject: register.user.id, expiresIn: '1 h',
  })
  for (const audience of ['shop', 'another']) console.log(JSON.stringify(await ask('{ me { email } }', bearer(audience))))
  console.log(await ask('mutation { logout }', bearer('shop')))
  await auth.close()
`

describe('the documentation of auth.accept', () => {
  it('shows options that let in the tokens of the system that it describes, and no others', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { env } = await createDatabase()
    const [accepting = ''] = blocks('ts')
    const nextYear = new Date(Date.now() + 365 * 24 * 3600 * 1000).toISOString()
    expect(accepting).toMatch(/until: new Date\('[\d-]+'\)/)
    const files = {
      'auth.mjs': accepting.replace(/new Date\('[\d-]+'\)/, `new Date('${nextYear}')`),
      'former-public-key.pem': String(publicKey.export({ type: 'spki', format: 'pem' })),
      'former-private-key.pem': String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    }
    expect(await run(files, asking, { ANNUL_SECRET: newSecret(), ...env })).toEqual([
      '{"me":{"email":"ada@example.com"}}',
      '"The token is not valid."',
      'Please sign in again first: this token has no session.',
    ])
  })

  it('shows how numbers become the UUIDs of users', async () => {
    const [numbering = ''] = blocks('js')
    const main =
      "import { idOf } from './idOf.mjs'\nfor (const number of [7, '7', 8]) console.log(idOf(number))"
    const [one, same, other] = await run({ 'idOf.mjs': numbering }, main)
    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    expect(same).toBe(one)
    expect(other).not.toBe(one)
  })
})
