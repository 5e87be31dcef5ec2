import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { transform } from 'esbuild'
import { Kind, type OperationDefinitionNode, parse, validate } from 'graphql'
import { buildSchema } from '../../src/graphql/schema.ts'
import { allSettings } from '../../tools/docs/settings.ts'
import { annul } from '../support/command.ts'
import { onPostgres } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { useServer } from '../support/server.ts'
import { query } from '../support/sql.ts'

/*
 * What holds for every block of the README and of docs/: it is a program, command or document of its language. The tests
 * beside this one run or compile the programs.
 */

interface Block {
  readonly place: string
  readonly language: string
  readonly text: string
}

const pages = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]
const textOf = (page: string) => readFileSync(join(root, page), 'utf8')
const blocks = pages.flatMap(page =>
  [...textOf(page).matchAll(/^( *)```(\S*)\n([\s\S]*?)^\1```$/gm)].map(
    ([, , language = '', text = ''], at): Block => ({ place: `${page}, block ${at + 1}`, language, text }),
  ),
)
const inLanguages = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language))

const server = useServer()
const contract = buildSchema()

describe('a block', () => {
  it('has a language that is looked at', () => {
    // "text" is output, "http" a header; "acl" and "python" are run by docs/redis.test.ts.
    const known = ['sh', 'bash', 'js', 'ts', 'tsx', 'json', 'graphql', 'sql', 'text', 'http', 'acl', 'python']
    expect(blocks.length).toBeGreaterThan(100)
    expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([])
  })

  it.each(inLanguages('json'))('of JSON is JSON: $place', ({ text }) => {
    for (const line of text.startsWith('{\n') ? [text] : text.trim().split('\n'))
      expect(() => JSON.parse(line)).not.toThrow()
  })

  it.each(inLanguages('graphql'))('of GraphQL is valid: $place', ({ text }) => {
    const document = parse(text)
    const isOperation = (definition: { kind: Kind }): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION
    if (document.definitions.some(isOperation)) expect(validate(contract, document)).toEqual([])
  })

  it.each(inLanguages('js', 'ts', 'tsx'))('of code can be parsed: $place', async ({ language, text }) => {
    const loader = language as 'js' | 'ts' | 'tsx'
    await expect(transform(text, { loader, format: 'esm', target: 'es2023' })).resolves.toBeDefined()
  })

  it.each(inLanguages('sh', 'bash'))('of a shell can be parsed: $place', ({ text }) => {
    expect(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' }).stderr).toBe('')
  })

  const itOnPostgres = onPostgres ? it : it.skip
  itOnPostgres.each(inLanguages('sql'))('of SQL can be planned: $place', async ({ text }) => {
    const { DATABASE_URL = '' } = server.database.env
    expect((await query(DATABASE_URL, `explain ${text}`)).length).toBeGreaterThan(0)
  })
})

describe('a page', () => {
  it('names no command and no option of a command that is not there', async () => {
    const uses = pages.flatMap(page =>
      [...textOf(page).matchAll(/(?:npx|^|`)\s*annul ([a-z][a-z-]*(?: [^`\n|#>]*)?)/gm)].map(
        ([, words = '']) => {
          const [first = '', second = ''] = words.split(' ')
          return { page, words, command: first === 'audit' ? `audit ${second}` : first }
        },
      ),
    )
    const commands = [...new Set(uses.map(({ command }) => command))]
    expect(commands.length).toBeGreaterThan(10)
    const ended = await Promise.all(commands.map(command => annul([...command.split(' '), '--help'], {})))
    const helps = new Map(commands.map((command, at) => [command, ended[at]?.stdout ?? '']))
    const wrong = uses.filter(({ words, command }) => {
      const help = helps.get(command) ?? ''
      const optionsIn = (text: string): readonly string[] => text.match(/--[a-z-]+/g) ?? []
      const known = optionsIn(help)
      const options = optionsIn(words)
      return !help.startsWith(`Usage: annul ${command}`) || options.some(option => !known.includes(option))
    })
    expect(wrong).toEqual([])
  }, 180_000)

  it.each(pages)('names no setting that is not there: %s', page => {
    const known = allSettings.flatMap(({ settings }) => settings.map(({ name }) => name))
    const named = [...textOf(page).matchAll(/\bANNUL_[A-Z_]*[A-Z]\b/g)].map(([name]) => name)
    expect([...new Set(named)].filter(name => !known.includes(name))).toEqual([])
  })
})
