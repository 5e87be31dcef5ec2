import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { appFolder } from '../support/appFolder.ts'
import { gateways, rows } from '../support/gatewayLife.ts'
import { root } from '../support/imports.ts'

/* Every program of docs/gateways.md is compiled. Such gateways run in test/gateway/, and as examples/stitching. */

const page = join(root, 'docs/gateways.md')

const schemas = `
import { buildSchema } from 'graphql'
export const annul = buildSchema('type Query { me: String }')
export const orders = buildSchema('type Query { shop: String }')
export const schema = annul
`

/** As @apollo/gateway declares what is used; the example is compiled with its own declarations. */
const supergraph = `
import type { GatewayInterface, GatewayGraphQLRequestContext, GatewayGraphQLResponse } from '@apollo/server-gateway-interface'
interface Source {
  process(options: { kind: 'incoming operation' | 'health check' | 'loading schema'; context: Record<string, any> } &
    Pick<GatewayGraphQLRequestContext, 'request'>): Promise<GatewayGraphQLResponse>
}
export declare const ApolloGateway: new (options: {
  supergraphSdl: string
  buildService(definition: { name: string; url?: string }): Source
}) => GatewayInterface
export declare const supergraphSdl: string
`

it('every program of docs/gateways.md compiles', async () => {
  const folder = await appFolder()
  await writeFile(join(folder, 'schemas.ts'), schemas)
  await writeFile(join(folder, 'supergraph.ts'), supergraph)
  const text = await readFile(page, 'utf8')
  const programs = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source = '']) => source)
  expect(programs.length).toBeGreaterThan(4)
  for (const [at, source] of programs.entries()) await writeFile(join(folder, `program${at}.ts`), source)
  const compilerOptions = {
    strict: true,
    // Two versions of @graphql-tools/utils lie in this checkout. The example is compiled with the declarations.
    skipLibCheck: true,
    noEmit: true,
    target: 'es2023',
    lib: ['esnext'],
    module: 'nodenext',
    types: ['node'],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const errors = await new Promise<string[]>(resolve =>
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], (_, stdout) =>
      resolve(stdout.split('\n').filter(line => line !== '')),
    ),
  )
  expect(errors).toEqual([])
})

it('the table of docs/gateways.md says what the examples are tested for', async () => {
  const lines = (await readFile(page, 'utf8')).split('\n').filter(line => line.startsWith('| '))
  const cells = (line = '') =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim())
  const kinds = Object.entries(gateways)
  const at = lines.findIndex(line => line.startsWith('| | stitching'))
  expect(cells(lines[at])).toEqual(['', ...kinds.map(([kind]) => kind)])
  const expected = Object.keys(rows).map(row => [
    row,
    ...kinds.map(([, { subscriptions }]) => {
      if (row === 'subscriptions') return subscriptions ? 'yes' : 'no'
      return row === 'invented identity headers' ? 'no effect' : 'yes'
    }),
  ])
  expect(lines.slice(at + 1, at + 1 + expected.length).map(cells)).toEqual(expected)
})
