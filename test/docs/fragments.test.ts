import { describe, expect, it } from '@jest/globals'
import { blocksOf, compileFragments } from '../support/fragments.ts'

/* Fragments of pages whose whole programs run in other tests: each is compiled beside what its reader has already. */

const web = ['graphql', 'graphql-yoga', 'fastify', 'mercurius', '@types/node']

describe('the fragment of', () => {
  it('docs/yoga.md about other origins compiles', async () => {
    const given = /* TypeScript */ `
      import { type Auth } from 'annul'
      import { annulYoga } from 'annul/yoga'
      import { createYoga } from 'graphql-yoga'
      declare const auth: Auth
      const schema = auth.schema()`
    const programs = blocksOf('docs/yoga.md', 'js').filter(text => !text.includes('import '))
    expect(programs.length).toBe(1)
    expect(await compileFragments(given, programs, web, { lib: ['esnext'], types: ['node'] })).toEqual([])
  })

  it('docs/mercurius.md about options of the app compiles', async () => {
    const given = /* TypeScript */ `
      import { type Auth } from 'annul'
      import { annulMercurius } from 'annul/mercurius'
      import { type PubSub } from 'mercurius'
      declare const auth: Auth
      declare const emitter: never`
    const programs = blocksOf('docs/mercurius.md', 'js').filter(text => !text.includes('import '))
    expect(programs.length).toBe(1)
    expect(await compileFragments(given, programs, web, { types: ['node'] })).toEqual([])
  })

  it('docs/limits.md about bounds of your own compiles', async () => {
    const programs = blocksOf('docs/limits.md', 'ts')
    expect(programs.length).toBe(1)
    const given = `import { createAuth } from 'annul'`
    expect(await compileFragments(given, programs, ['graphql', '@types/node'], { types: ['node'] })).toEqual(
      [],
    )
  })

  it.each([
    ['docs/react.md', 'rewrites'],
    ['docs/bundling.md', 'outputFileTracingIncludes'],
  ])('%s about Next.js is a module that sets %s', async (page, option) => {
    const [program = ''] = blocksOf(page, 'js').filter(text => text.startsWith('// next.config.mjs'))
    const module = await import(`data:text/javascript,${encodeURIComponent(program)}`)
    expect(Object.keys(module.default)).toContain(option)
  })
})
