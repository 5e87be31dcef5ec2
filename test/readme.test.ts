import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { compile } from './support/compile.ts'

const readme = readFileSync('README.md', 'utf8')
const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source = '']) => source)

describe('the README', () => {
  it('shows the shortest example, which is installed, compiled and used in examples.test.ts', () => {
    expect(programs[0]).toBe(readFileSync('examples/apollo-standalone/server.ts', 'utf8'))
  })

  it('shows a client that compiles; docs/getting-started.md has one that runs', async () => {
    expect(programs.length).toBe(2)
    expect(programs[1]).toContain("from 'annul/client'")
    expect(await compile(programs[1] ?? '', ['@types/node'], { types: ['node'] })).toEqual([])
  })

  it('has the commands of a clone on lines of their own', () => {
    const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text?.trim())
    expect(blocks).toEqual([
      'npm ci && npm start',
      'npm ci && npm test',
      'npm install annul graphql @apollo/server @electric-sql/pglite',
    ])
  })
})
