import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, jest } from '@jest/globals'
import { buildSchema as buildPlain, graphql, lexicographicSortSchema, printSchema } from 'graphql'
import { buildSchema } from '../../src/graphql/schema.ts'
import { annul } from '../support/command.ts'
import { temporaryDirectory } from '../support/database.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* `annul schema`: the SDL. It needs no settings: those here are wrong. */

const settings = { PORT: 'none' }
async function printed(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await annul(['schema', ...args], settings)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.replace(/\n$/, '')
}

describe('annul schema', () => {
  it('prints what is served, with its guards', async () => {
    const sdl = await printed()
    expect(sdl).toBe(await printed('--format', 'plain'))
    const sorted = (schema: Parameters<typeof printSchema>[0]) => printSchema(lexicographicSortSchema(schema))
    expect(sorted(buildPlain(sdl))).toBe(sorted(buildSchema()))
    expect(sdl).toMatch(/\bresetFactors\([^)]*\): User! @auth\(roles: \["admin"\], maxAge: 300, mfa: true\)/)
    expect(sdl).toContain('revokeEverything: Boolean! @auth(roles: ["admin"], maxAge: 300)')
    // And is read by the other command.
    const file = join(await temporaryDirectory(), 'schema.graphql')
    writeFileSync(file, sdl)
    expect(await annul(['guards', file], settings)).toMatchObject({ status: 0, stderr: '' })
  })

  it('prints the very SDL that a subgraph shows', async () => {
    for (const security of ['annul', 'apollo'] as const) {
      const schema = buildSchema({ federation: { security } })
      const { data } = await graphql({ schema, source: '{ _service { sdl } }' })
      expect(await printed('--format', 'federation', '--security', security)).toBe(Object(data?._service).sdl)
    }
    expect(await printed('--format', 'federation')).not.toContain('@policy')
  })

  it('prints what a gateway merges by directives', async () => {
    const sdl = await printed('--format', 'stitching')
    expect(sdl).toContain('type User @key(selectionSet: "{ id }")')
    expect(sdl).toContain('): [User]! @auth @merge(keyField: "id")')
    expect(buildPlain(sdl).getQueryType()?.getFields()._users).toBeDefined()
  })

  it.each<[string[], RegExp]>([
    [['--format', 'hive'], /'hive' is invalid\. Allowed choices are plain, federation, stitching\./],
    [['--security', 'apollo'], /^--security goes with --format federation, and not with plain\.\n$/],
    [['--format', 'federation', '--security', 'x'], /'x' is invalid\. Allowed choices are annul, apollo\./],
  ])('refuses %j', async (args, complaint) => {
    const { status, stdout, stderr } = await annul(['schema', ...args], settings)
    expect(stderr).toMatch(complaint)
    expect({ failed: status !== 0, stdout }).toEqual({ failed: true, stdout: '' })
  })
})
