import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { listGuards } from '../../src/graphql/listGuards.ts'
import { buildSchema } from '../../src/graphql/schema.ts'
import { pathsOf } from '../../src/http/paths.ts'
import { createClient } from '../support/client.ts'
import { annul, newSecret } from '../support/command.ts'
import { createPostgresDatabase, onPostgres, temporaryDirectory } from '../support/database.ts'
import { blocksOf, compileFragments } from '../support/fragments.ts'
import { root } from '../support/imports.ts'
import { until } from '../support/until.ts'

/* What docs/server.md shows. Its sockets, fences and commands have tests of their own. */

const page = readFileSync(join(root, 'docs/server.md'), 'utf8')
/** The cells of a section's tables that are code. */
const listed = (section: string, column: RegExp) =>
  [...(page.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(column)].flatMap(
    ([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
  )

const itOnPostgres = onPostgres ? it : it.skip

describe('docs/server.md', () => {
  it('shows guards that are built as it says', () => {
    const [typeDefs = ''] = blocksOf('docs/server.md', 'graphql')
    const schema = buildSchema({ typeDefs: `${typeDefs} type Order { id: ID! } type Payout { id: ID! }` })
    const guards = new Map(listGuards(schema).map(({ field, guard }) => [field, guard]))
    expect(guards.get('Query.orders')).toEqual([{}])
    expect(guards.get('Query.payouts')).toEqual([{ scopes: [['payouts:read']], maxAge: 300 }])
    expect(guards.get('Invoice.total')).toEqual([{ roles: ['accountant', 'admin'] }])
  })

  it('shows a fence that compiles', async () => {
    const given = /* TypeScript */ `
      import type { GraphQLContext } from 'annul'
      import { pgTable, text as column } from 'drizzle-orm/pg-core'
      import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
      declare const context: GraphQLContext
      declare const db: PostgresJsDatabase
      declare const text: string
      const notes = pgTable('notes', { owner: column('owner').notNull(), text: column('text').notNull() })`
    const packages = ['graphql', 'drizzle-orm', 'postgres', '@types/node']
    const programs = blocksOf('docs/server.md', 'ts')
    expect(programs.length).toBe(1)
    expect(await compileFragments(given, programs, packages, { types: ['node'] })).toEqual([])
  })

  itOnPostgres(
    'shows the commands that start a node on PostgreSQL',
    async () => {
      const [start = '', install = ''] = blocksOf('docs/server.md', 'sh')
      expect(install.trim().split(' ').slice(2)).toEqual(
        expect.arrayContaining(['fastify', '@fastify/helmet', '@apollo/server']),
      )
      const script = start
        .replace('postgres://user:password@db.example.com/app', await createPostgresDatabase())
        .replace('$(openssl rand -base64 32)', newSecret())
        .replace('npx annul', `exec ${process.execPath} ${join(root, 'dist/main.js')}`)
      const { PATH = '' } = process.env
      const env = { PATH, PORT: '0' }
      const child = spawn('bash', ['-euc', script], { cwd: await temporaryDirectory(), env })
      try {
        let output = ''
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk
        })
        const url = await until(() => /ready at (http:\S+)\/graphql/.exec(output)?.[1], Boolean, 60_000)
        expect((await createClient(url ?? '').signUp()).accessToken).toMatch(/^ey/)
      } finally {
        child.kill()
        await once(child, 'exit')
      }
    },
    120_000,
  )

  it('has every route', () => {
    const routes = listed('Routes', /^\| (`\/.*?) \|/gm)
    const allowedOrigins = ['https://app.example.com']
    const config = {
      metrics: 'on',
      console: true,
      publicUrl: undefined,
      allowedOrigins,
      siteName: '',
    } as const
    expect(routes.sort()).toEqual(['/', ...pathsOf(config).map(({ url }) => url)].sort())
  })

  it('has every command', async () => {
    const { stdout } = await annul(['--help'], {})
    const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]*)(?: \[options\])?(?: <[^>]+>)* {2,}\w/gm)]
      .map(([, name = '']) => name)
      .filter(name => name !== 'help')
    const documented = listed('The command', /^\| (`[a-z].*?) \|/gm).map(name => name.split(' ')[0])
    expect(commands.length).toBeGreaterThan(15)
    expect(documented.sort()).toEqual(commands.sort())
  }, 120_000)
})
