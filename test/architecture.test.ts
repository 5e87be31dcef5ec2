import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { type Import, readSources, root } from './support/imports.ts'

const files = readSources()
const imports = files.flatMap(file => file.imports)
const own = imports.filter(({ isPackage }) => !isPackage)
const packages = imports.filter(({ isPackage }) => isPackage)

/** From the ground up. A file may import from its own floor and from those below. */
const floors = [
  ['errors.ts', 'log.ts', 'metrics.ts', 'names.ts', 'optional.ts', 'packageFolder.ts', 'tracing.ts'],
  ['config.ts', 'settingValues.ts', 'app/', 'options.ts'],
  ['input/', 'database/'],
  ['tokens/', 'passwords/', 'limits/', 'factors/', 'mail/'],
  ['revocation/'],
  ['viewer.ts', 'parts.ts'],
  ['audit/'],
  ['decisions/'],
  ['sessions/'],
  ['accounts/', 'admin/', 'services/'],
  ['housekeeping.ts'],
  ['request/'],
  ['graphql/', 'oauth/'],
  ['auth.ts'],
  ['http/', 'servers/'],
  ['command/'],
  ['main.ts', 'index.ts', 'tables.ts', 'drizzle.ts'],
]
const withoutDatabase = [
  'errors.ts',
  'names.ts',
  'viewer.ts',
  'tokens/',
  'revocation/view.ts',
  'revocation/clock.ts',
  'revocation/feedFrames.ts',
  'log.ts',
  'request/message.ts',
  'request/bearerToken.ts',
  'decisions/requestDecision.ts',
  'decisions/tokenWatch.ts',
  'revocation/mirrorKeys.ts',
  'graphql/directive.ts',
  'graphql/meets.ts',
  'graphql/requirements.ts',
]
/** Beside the house: nothing in it imports them, and they import little. */
const annexes: Record<string, string[]> = {
  'client/': ['client/', 'errors.ts'],
  'verify/': ['verify/', ...withoutDatabase],
  // What it shares with the servers knows neither a database nor a session.
  'gateway/': [
    'gateway/',
    'names.ts',
    'request/handedOver.ts',
    'request/message.ts',
    'graphql/refusal.ts',
    ...withoutDatabase,
  ],
}

const floorOf = (path: string) => floors.findIndex(floor => floor.some(start => path.startsWith(start)))
const annexOf = (path: string) => Object.keys(annexes).find(start => path.startsWith(start))
const told = (found: readonly Import[]) => found.map(({ from, to }) => `${from} imports ${to}`)
const startsWithAny = (path: string, starts: readonly string[]) =>
  starts.some(start => path.startsWith(start))

describe('the floors of the house', () => {
  it('have a place for every file', () => {
    const homeless = files.filter(({ path }) => floorOf(path) < 0 && annexOf(path) === undefined)
    expect(homeless.map(({ path }) => path)).toEqual([])
  })

  it('are imported downwards only', () => {
    const upward = own.filter(
      ({ from, to }) => annexOf(from) === undefined && (floorOf(to) < 0 || floorOf(to) > floorOf(from)),
    )
    expect(told(upward)).toEqual([])
  })

  it('have annexes that import only what a browser or a gateway may have', () => {
    const beyond = own.filter(({ from, to }) => !startsWithAny(to, annexes[annexOf(from) ?? ''] ?? ['']))
    expect(told(beyond)).toEqual([])
  })

  it('have no file that imports itself round a corner', () => {
    const edges = new Map(
      files.map(({ path, imports }) => [path, imports.filter(edge => !edge.isPackage).map(({ to }) => to)]),
    )
    const done = new Set<string>()
    const circles: string[] = []
    const follow = (path: string, trail: string[]) => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      if (trail.includes(path) || done.has(path)) return
      for (const next of edges.get(path) ?? []) follow(next, [...trail, path])
      done.add(path)
    }
    for (const { path } of files) follow(path, [])
    expect(circles).toEqual([])
  })

  it('name each file by its name', () => {
    const paths = new Set(files.map(({ path }) => path))
    expect(told(own.filter(({ to }) => !paths.has(to)))).toEqual([])
    // The test reads what it should: some edges that are there.
    expect(told(own)).toEqual(
      expect.arrayContaining(['main.ts imports config.ts', 'sessions/login.ts imports parts.ts']),
    )
  })

  it('have no barrel files but the doors', () => {
    const doors = files.map(({ path }) => path).filter(path => /(^|\/)index\.ts$/.test(path))
    expect(['client/index.ts', 'gateway/index.ts', 'index.ts', 'verify/index.ts']).toEqual(
      expect.arrayContaining(doors),
    )
    const kitchenSinks = files.filter(({ path }) =>
      /(^|\/)(utils?|helpers?|common|misc)(\/|\.ts$)/.test(path),
    )
    expect(kitchenSinks.map(({ path }) => path)).toEqual([])
  })
})

describe('packages', () => {
  const usersOf = (pattern: RegExp) => packages.filter(({ to }) => pattern.test(to))

  it('that sign and verify are known to one file', () => {
    expect(told(usersOf(/^(jsonwebtoken|jose|jws|jwa|fast-jwt)\b/))).toEqual([
      'tokens/accessToken.ts imports jsonwebtoken',
    ])
  })

  it('of GraphQL are known where GraphQL is spoken, and auth.ts knows their types', () => {
    const graphql = usersOf(/^(graphql\b|@graphql|@apollo\/|@urql\/|@as-integrations\/)/)
    const beyond = graphql.filter(
      ({ from }) => !startsWithAny(from, ['graphql/', 'gateway/', 'client/', 'http/', 'servers/']),
    )
    expect(told(beyond.filter(({ from, isType }) => !(from === 'auth.ts' && isType)))).toEqual([])
  })

  it('of HTTP are known to http/ and servers/ alone, those of WebSockets to verifiers too, and hashing to passwords/', () => {
    const http = usersOf(/^(@?fastify\b|express\b|ws$|node:https?2?$)/)
    expect(
      told(
        http.filter(
          ({ from, to }) =>
            !startsWithAny(from, ['http/', 'servers/']) && !(to === 'ws' && from.startsWith('verify/')),
        ),
      ),
    ).toEqual([])
    expect(told(usersOf(/argon2|bcrypt/).filter(({ from }) => !startsWithAny(from, ['passwords/'])))).toEqual(
      [],
    )
  })

  it('of Node are not known to the client, which runs in browsers', () => {
    expect(told(usersOf(/^node:/).filter(({ from }) => from.startsWith('client/')))).toEqual([])
  })

  it('that are needed when the program runs are in package.json', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const known = new Set(Object.keys({ ...dependencies, ...peerDependencies }))
    const nameOf = (to: string) => to.split('/', to.startsWith('@') ? 2 : 1).join('/')
    const needed = packages.filter(({ to, isType }) => !isType && !to.startsWith('node:'))
    expect(told(needed.filter(({ to }) => !known.has(nameOf(to))))).toEqual([])
  })
})

describe('the environment', () => {
  it('is read by the command and by createAuth, and handed to what reads settings', () => {
    const readers = files.filter(file => file.readsEnvironment).map(({ path }) => path)
    expect(readers.sort()).toEqual(['auth.ts', 'main.ts'])
    expect(told(packages.filter(({ to }) => /^(node:)?process$/.test(to)))).toEqual([])
  })
})
