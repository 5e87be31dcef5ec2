import { readFile } from 'node:fs/promises'
import { parse } from 'graphql'
import { ConfigError } from '../../config.ts'

/** The documents of a manifest, by their ids. */
export type Manifest = ReadonlyMap<string, string>

const apolloFormat = 'apollo-persisted-query-manifest'

/**
 * Reads a manifest of operations: Apollo's (`generate-persisted-query-manifest`), or an object of documents by their ids,
 * as GraphQL Code Generator and Relay write it.
 *
 * @throws ConfigError that says what is wrong with the file
 */
export async function readManifest(path: string): Promise<Manifest> {
  const refuse = (problem: string) => new ConfigError([`ANNUL_OPERATIONS: ${path} ${problem}.`])
  const text = await readFile(path, 'utf8').catch(({ code }) => {
    throw refuse(code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`)
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw refuse('is no JSON')
  }
  const manifest = new Map<string, string>()
  for (const [id, body] of entriesOf(json, refuse)) {
    if (typeof id !== 'string' || id === '' || typeof body !== 'string')
      throw refuse('has an operation without an id or without a text')
    if (manifest.has(id)) throw refuse(`has two operations of the id ${JSON.stringify(id)}`)
    try {
      parse(body)
    } catch (error) {
      throw refuse(
        `has an operation that is no GraphQL, ${JSON.stringify(id)}: ${(error as Error).message.replace(/\.$/, '')}`,
      )
    }
    manifest.set(id, body)
  }
  if (manifest.size === 0) throw refuse('has no operation')
  return manifest
}

function entriesOf(json: unknown, refuse: (problem: string) => ConfigError): [id: unknown, body: unknown][] {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw refuse('is no object of operations')
  if (!('format' in json)) return Object.entries(json)
  const { format, version, operations } = Object(json)
  if (format !== apolloFormat || version !== 1 || !Array.isArray(operations))
    throw refuse(`is of a format other than ${apolloFormat}, version 1`)
  return operations.map(operation => [Object(operation).id, Object(operation).body])
}
