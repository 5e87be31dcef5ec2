import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { checkRights } from '../../src/services/rights.ts'
import { compile } from '../support/compile.ts'
import { root } from '../support/imports.ts'

/* Every program of docs/verifier.md is compiled as strictly as can be; test/verify/ runs what they do. */

const text = await readFile(join(root, 'docs/verifier.md'), 'utf8')
const programs = text.split('\n## ').flatMap(section => {
  const [title = ''] = section.split('\n', 1)
  return [...section.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source = '']) => ({ title, source }))
})
const packages = [
  ...[
    'graphql',
    'express',
    '@types/express',
    '@types/express-serve-static-core',
    '@types/serve-static',
    '@types/send',
  ],
  ...[
    '@types/node',
    '@types/body-parser',
    '@types/connect',
    '@types/qs',
    '@types/range-parser',
    '@types/http-errors',
  ],
  ...['fastify', 'graphql-yoga', '@graphql-tools/schema'],
]

describe('docs/verifier.md', () => {
  it('has programs', () => {
    expect(programs.length).toBe(4)
  })

  it.each(programs)('$title: compiles', async ({ source }) => {
    expect(await compile(source, packages, { types: ['node'] })).toEqual([])
  })

  it('has a shorter one in docs/fleet.md, which compiles', async () => {
    const fleet = await readFile(join(root, 'docs/fleet.md'), 'utf8')
    const [, source = ''] = /```ts\n(import \{ createVerifier[\s\S]*?)```/.exec(fleet) ?? []
    expect(await compile(source, packages, { types: ['node'] })).toEqual([])
    expect(source).toContain('verifier.ready')
  })

  it('names rights that there are', () => {
    const [, rights = ''] = /--rights (\S+)/.exec(text) ?? []
    expect(checkRights(rights.split(','))).toEqual(['feed', 'introspect'])
  })
})
