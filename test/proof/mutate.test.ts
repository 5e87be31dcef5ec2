import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { root } from '../support/imports.ts'
import { rooms } from './mutate/rooms.ts'

const parts = Object.values(rooms).flat()

test('each source file of a room is changed by one part', () => {
  const inFolders = ['tokens', 'revocation', 'decisions', 'sessions', 'limits', 'request'].flatMap(room =>
    readdirSync(join(root, 'src', room)).map(file => `src/${room}/${file}`),
  )
  const named = parts.flatMap(({ mutate }) => mutate)
  expect(named.toSorted()).toEqual([...inFolders, 'src/graphql/directive.ts', 'src/graphql/meets.ts'].sort())
})

test('the tests of each part exist', () => {
  const missing = parts.flatMap(({ tests }) => tests).filter(path => !existsSync(join(root, path)))
  expect(missing).toEqual([])
})

test('each accepted survivor has its reason, and its text is still in its file', () => {
  const accepted = JSON.parse(readFileSync(join(root, 'test/proof/mutate/survivors.json'), 'utf8')) as Record<
    string,
    { from: string; reason: string }[]
  >
  for (const [file, survivors] of Object.entries(accepted)) {
    const text = readFileSync(join(root, file), 'utf8').replace(/\s+/g, ' ')
    for (const { from, reason } of survivors) {
      expect(text).toContain(from)
      expect(reason).toMatch(/^[A-Z].{20,}\.$/)
    }
  }
})
