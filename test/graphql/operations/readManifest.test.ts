import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { createAuth } from '../../../src/auth.ts'
import { ConfigError } from '../../../src/config.ts'
import { readManifest } from '../../../src/graphql/operations/readManifest.ts'
import { newSecret } from '../../support/command.ts'
import { temporaryDirectory } from '../../support/database.ts'

async function fileOf(text: string): Promise<string> {
  const path = join(await temporaryDirectory(), 'operations.json')
  await writeFile(path, text)
  return path
}

describe('A file of operations is refused, and the message says why:', () => {
  const apollo = (more: object) =>
    JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, ...more })
  it.each<[string, string, string]>([
    ['no JSON', '{', 'is no JSON'],
    ['a list', '[]', 'is no object of operations'],
    ['null', 'null', 'is no object of operations'],
    ['nothing', '{}', 'has no operation'],
    ['no text', '{"a":1}', 'has an operation without an id or without a text'],
    [
      'no id',
      apollo({ operations: [{ body: '{ a }' }] }),
      'has an operation without an id or without a text',
    ],
    [
      'no GraphQL',
      '{"a":"{"}',
      'has an operation that is no GraphQL, "a": Syntax Error: Expected Name, found <EOF>.',
    ],
    [
      'an id twice',
      apollo({
        operations: [
          { id: 'a', body: '{ a }' },
          { id: 'a', body: '{ b }' },
        ],
      }),
      'has two operations of the id "a"',
    ],
    [
      'a later version',
      apollo({ version: 2 }),
      'is of a format other than apollo-persisted-query-manifest, version 1',
    ],
    [
      'another format',
      '{"format":"other"}',
      'is of a format other than apollo-persisted-query-manifest, version 1',
    ],
  ])('%s', async (_, text, problem) => {
    const path = await fileOf(text)
    await expect(readManifest(path)).rejects.toMatchObject({
      name: 'ConfigError',
      problems: [`ANNUL_OPERATIONS: ${path} ${problem.replace(/\.$/, '')}.`],
    })
  })

  it('a folder, and a file that there is not', async () => {
    const folder = join(await temporaryDirectory(), 'folder')
    await mkdir(folder)
    await expect(readManifest(folder)).rejects.toThrow(`${folder} can't be read (EISDIR).`)
    await expect(readManifest(`${folder}/none`)).rejects.toThrow(`${folder}/none does not exist.`)
  })

  it('before anything is opened', async () => {
    const operations = await fileOf('{}')
    const opening = createAuth({
      operations,
      secret: newSecret(),
      databaseUrl: 'postgres://127.0.0.1:1/none',
    })
    await expect(opening).rejects.toBeInstanceOf(ConfigError)
  })
})
