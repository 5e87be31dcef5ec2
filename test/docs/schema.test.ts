import assert from 'node:assert'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, jest } from '@jest/globals'
import SchemaBuilder from '@pothos/core'
import { transform } from 'esbuild'
import { type GraphQLSchema, graphql } from 'graphql'
import { guardSchema } from '../../src/graphql/directive.ts'
import { listGuards } from '../../src/graphql/listGuards.ts'
import { buildSchema, type SchemaExtension, type SchemaOptions } from '../../src/graphql/schema.ts'
import { temporaryDirectory } from '../support/database.ts'
import { useGuardedApp } from '../support/guardedApp.ts'
import { root } from '../support/imports.ts'

// The command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* docs/schema.md: what it shows is run as it stands. */

const page = readFileSync(join(root, 'docs/schema.md'), 'utf8')

/** The blocks of a language in a section. */
function blocks(section: string, language: string): string[] {
  const text = page.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    match => match[1] ?? '',
  )
}

const node = useGuardedApp({})

/** As the option of createAuth is handed down to the schema. */
const createAuth = async (options: SchemaOptions = {}) => ({
  schema: (extension: SchemaExtension) => buildSchema(extension, options),
  guard: guardSchema,
  guards: listGuards,
})

/** Runs an example. @returns its `auth` and its `schema` */
async function run(example: string, given: Record<string, unknown> = {}) {
  const { code } = await transform(example.replace(/^import .*$/gm, ''), { loader: 'ts' })
  const names = { SchemaBuilder, createAuth, assert, ...given }
  const body = `return (async () => { ${code}; return typeof schema === 'undefined' ? {} : { auth, schema } })()`
  return new Function(...Object.keys(names), body)(...Object.values(names)) as Promise<{
    auth: unknown
    schema: GraphQLSchema
  }>
}

async function ask(schema: GraphQLSchema, source: string, token?: string) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const contextValue = node.auth.context({ headers }, { appendHeader: () => {} })
  const { data, errors } = await graphql({ schema, source, contextValue })
  return { data: JSON.parse(JSON.stringify(data)), errors: errors?.map(({ message }) => message) }
}

describe('docs/schema.md', () => {
  const inCode = blocks('Schemas that are built in code', 'ts')
  const check = blocks('A forgotten guard is found in CI', 'ts')

  it('shows a schema in code whose extensions guard, and a check for a test', async () => {
    expect([inCode.length, check.length]).toEqual([1, 1])
    const { auth, schema } = await run(inCode[0] ?? '')
    const { userId, email } = node.account
    const query = '{ greeting invoices { total owner { email } } }'
    expect(await ask(schema, query, await node.tokenWith(['accountant']))).toEqual({
      data: { greeting: `Hello, ${userId}.`, invoices: [{ total: 12, owner: { email } }] },
      errors: undefined,
    })
    expect(await ask(schema, query)).toEqual({
      data: { greeting: null, invoices: null },
      errors: ['You are not signed in.', 'You are not signed in.'],
    })
    await run(check[0] ?? '', { auth, schema })
  })

  it('shows a renaming by which both have their names', async () => {
    const { schema } = await run(blocks("Names that your schema and Annul's share", 'ts')[0] ?? '')
    const token = await node.tokenWith([])
    expect(await ask(schema, '{ viewer { __typename id } me { __typename name } }', token)).toEqual({
      data: {
        viewer: { __typename: 'Account', id: node.account.userId },
        me: { __typename: 'User', name: 'Ada' },
      },
      errors: undefined,
    })
    expect((await ask(schema, '{ me { name } }')).errors).toEqual(['You are not signed in.'])
    expect(await ask(schema, 'mutation { login(input: { name: "Ada" }) }')).toMatchObject({
      data: { login: true },
    })
  })

  it('shows a command, and what it prints', async () => {
    const section = 'A forgotten guard is found in CI'
    const cwd = await temporaryDirectory()
    writeFileSync(join(cwd, 'schema.graphql'), blocks(section, 'graphql')[0] ?? '')
    const command = blocks(section, 'bash')[0] ?? ''
    const here = command.replace('npx annul', `${process.execPath} ${join(root, 'dist/main.js')}`)
    const ended = await new Promise<{ status: unknown; stdout: string; stderr: string }>(resolve =>
      execFile('bash', ['-c', here], { cwd }, (error, stdout, stderr) =>
        resolve({ status: error?.code ?? 0, stdout, stderr }),
      ),
    )
    const [listed = '', stderr] = blocks(section, 'text')
    expect(ended).toMatchObject({ status: 1, stderr })
    // What stands between two lines of the page is left out there.
    const shown = listed
      .replace(/ {2,}/g, ' ')
      .split('\n')
      .filter(line => line !== '' && line !== '…')
    expect(shown.length).toBe(8)
    expect(
      ended.stdout
        .replace(/ {2,}/g, ' ')
        .split('\n')
        .filter(line => shown.includes(line)),
    ).toEqual(shown)
  })
})
