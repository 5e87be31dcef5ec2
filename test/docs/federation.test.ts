import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeServices } from '@apollo/composition'
import { describe, expect, it, jest } from '@jest/globals'
import { graphql, parse } from 'graphql'
import { buildSchema } from '../../src/graphql/schema.ts'
import { temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'

// The command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* docs/federation.md: each block is run, built, or stands in an example that is started by test/examples.test.ts. */

const page = readFileSync(join(root, 'docs/federation.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
const example = (file: string) => readFileSync(join(root, 'examples/federation', file), 'utf8')
/** Without the indentation, which is deeper within a function. */
const flat = (text: string) => text.replace(/^ +/gm, '').trim()

/** Runs a line of the page where nothing is set. */
async function run(line: string): Promise<string> {
  const here = line.replace('npx annul', `${process.execPath} ${join(root, 'dist/main.js')}`)
  const cwd = await temporaryDirectory()
  const { PATH = '', HOME = '' } = process.env
  return new Promise((resolve, reject) =>
    execFile(
      'bash',
      ['-c', `${here.trim()}; cat annul.graphql 2>/dev/null`],
      { cwd, env: { PATH, HOME } },
      (_, stdout, stderr) => (stderr === '' ? resolve(stdout) : reject(new Error(stderr))),
    ),
  )
}

async function composed(sdl: string): Promise<string | undefined> {
  return composeServices([{ name: 'annul', typeDefs: parse(sdl) }]).supergraphSdl
}

describe('docs/federation.md', () => {
  it('shows programs of the example', () => {
    const shown = blocks('ts')
    expect(shown.length).toBe(3)
    // A server of an app's own, as test/servers/subgraph.test.ts starts one.
    expect(shown.shift()).toContain('auth.schema({ federation: true })')
    const files = ['apollo.ts', 'hive.ts'].map(file => flat(example(file)))
    shown.forEach((block, index) => {
      expect(files[index]).toContain(flat(block))
    })
  })

  it('shows commands whose SDL composes', async () => {
    const [serve, plain, apollo, ...rest] = blocks('bash')
    expect(serve).toBe('ANNUL_FEDERATION=on npx annul serve\n')
    expect(rest).toEqual([])
    expect(await composed(await run(plain ?? ''))).toContain('directive @auth')
    expect(await composed(await run(apollo ?? ''))).toContain('role:admin')
  })

  it('shows an app’s own types, with keys and guards', async () => {
    const [typeDefs = '', ...rest] = blocks('graphql')
    expect(rest).toEqual([])
    const schema = buildSchema({ federation: true, typeDefs })
    const { data } = await graphql({ schema, source: '{ _service { sdl } }' })
    expect(await composed(Object(data?._service).sdl)).toMatch(
      /type Invoice\s+@join__type\(graph: ANNUL, key: "id"\)/,
    )
  })

  it('has a table of directives that is true', async () => {
    const rows = [...page.matchAll(/^\| `(\w+): (.*)` \| `(@.*)` \|$/gm)]
    expect(rows.length).toBe(2)
    for (const [, name, value, becomes] of rows) {
      const typeDefs = `extend type Query { asked: Int @auth(${name}: ${value}) }`
      const schema = buildSchema({ federation: { security: 'apollo' }, typeDefs })
      const { data } = await graphql({ schema, source: '{ _service { sdl } }' })
      expect(Object(data?._service).sdl).toContain(`@auth(${name}: ${value}) @authenticated ${becomes}`)
    }
  })
})
