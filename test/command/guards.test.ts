import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { printSchemaWithDirectives } from '@graphql-tools/utils'
import { describe, expect, it, jest } from '@jest/globals'
import { printSchema } from 'graphql'
import { buildSchema } from '../../src/graphql/schema.ts'
import { annul } from '../support/command.ts'
import { temporaryDirectory } from '../support/database.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* `annul guards`: what guards each field, and what nothing guards. It needs no settings: those here are wrong. */

const settings = { PORT: 'none' }

/** Runs the command on files with these texts. Paths in the output are names. */
async function guards(texts: Record<string, string>, ...args: string[]) {
  const directory = await temporaryDirectory()
  const inPlace = (text: string) =>
    text.replace(/(?<=^@?)[\w-]+\.(graphql|txt)$/, name => join(directory, name))
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(directory, name), text)
  const files = Object.keys(texts).filter(name => name.endsWith('.graphql'))
  const { status, stdout, stderr } = await annul(['guards', ...[...files, ...args].map(inPlace)], settings)
  // The second column begins where the longest name ends.
  return { status, stdout: stdout.replace(/ {2,}/g, ' '), stderr: stderr.replaceAll(`${directory}/`, '') }
}

const app = `
  extend type Query { news: String! notes: [Note!] }
  extend type Mutation { note(text: String!): Note subscribe(email: String!): Boolean! pay: Boolean @auth(maxAge: 60, mfa: true) }
  extend type Subscription { noted: Note ticks: Int }
  extend type User { notes: [Note!] }
  type Note @auth(roles: ["writer", "editor"]) { text: String author: User }
`
const listed = [
  'Mutation.login public',
  'Mutation.logout public',
  'Mutation.note @auth(roles: ["writer", "editor"])',
  'Mutation.pay @auth(maxAge: 60, mfa: true)',
  'Mutation.reauthenticate @auth',
  'Mutation.resetFactors @auth(roles: ["admin"], maxAge: 300, mfa: true)',
  'Mutation.revokeEverything @auth(roles: ["admin"], maxAge: 300)',
  'Query.news no guard',
  'Subscription.noted @auth(roles: ["writer", "editor"])',
  "User.email Annul's own",
  'User.notes @auth(roles: ["writer", "editor"])',
]

describe('annul guards', () => {
  it('lists every field, sorted, and fails on an action that nothing guards (ASVS 5.0 8.1.1 and 8.1.2 and 8.1.3 and 8.1.4)', async () => {
    const { status, stdout, stderr } = await guards({ 'app.graphql': app })
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toEqual(expect.arrayContaining([...listed, 'Mutation.subscribe no guard']))
    expect(lines).toEqual(lines.toSorted())
    expect(lines.filter(line => line.startsWith('__') || line.startsWith('LoginInput'))).toEqual([])
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'Nothing guards these 2 fields of Mutation or Subscription:\n  Mutation.subscribe\n  Subscription.ticks\n' +
        'Put @auth on each, or declare it public: --public Mutation.subscribe,Subscription.ticks\n',
    })
  })

  it('passes where these fields are declared public, in a list or in a file', async () => {
    const inList = await guards({ 'app.graphql': app }, '--public', 'Mutation.subscribe, Subscription.ticks')
    expect(inList).toMatchObject({ status: 0, stderr: '' })
    expect(inList.stdout.split('\n')).toEqual(
      expect.arrayContaining([...listed, 'Mutation.subscribe public', 'Subscription.ticks public']),
    )
    const list = '# the newsletter\nMutation.subscribe\n\nSubscription.ticks # the clock on the page\n'
    const inFile = await guards({ 'app.graphql': app, 'public.txt': list }, '--public', '@public.txt')
    expect(inFile).toEqual(inList)
  })

  it('names one field that is open', async () => {
    const { status, stderr } = await guards({ 'app.graphql': app }, '--public', 'Mutation.subscribe')
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'Nothing guards this field of Mutation or Subscription:\n  Subscription.ticks\n' +
        'Put @auth on each, or declare it public: --public Subscription.ticks\n',
    })
  })

  it('refuses a declared name that no field has, and says how a file is given', async () => {
    const unknown = await guards({ 'app.graphql': app }, '--public', 'Mutation.subscrib,Mutation.gone')
    expect(unknown).toEqual({
      status: 1,
      stdout: '',
      stderr:
        '--public: the schema has no field "Mutation.subscrib". The nearest name is Mutation.subscribe.\n' +
        '--public: the schema has no field "Mutation.gone". The nearest name is Mutation.note.\n',
    })
    const file = await guards({ 'app.graphql': app, 'public.txt': '' }, '--public', 'public.txt')
    expect(file.stderr).toMatch(
      /^--public: the schema has no field "public\.txt"\. A file is given as @public\.txt\.\n$/,
    )
  })

  it('takes a printed schema, and finds the guards that printing has lost', async () => {
    const schema = buildSchema({ typeDefs: app })
    const open = ['--public', 'Mutation.subscribe,Subscription.ticks']
    const printed = await guards({ 'schema.graphql': printSchemaWithDirectives(schema) }, ...open)
    expect(printed).toEqual(await guards({ 'app.graphql': app }, ...open))
    expect(printed.status).toBe(0)

    const stripped = await guards({ 'schema.graphql': printSchema(schema) }, ...open)
    expect(stripped.status).toBe(1)
    expect(stripped.stderr).toContain('  Mutation.revokeEverything\n')
    expect(stripped.stderr).not.toContain('  Mutation.login\n')
    expect(stripped.stderr).toContain(
      "Annul's own fields among them have lost their guards: graphql's printSchema leaves directives out.",
    )
  })

  it('refuses what can not be read, with the file and the place', async () => {
    expect(await guards({ 'app.graphql': 'type Query {' })).toEqual({
      status: 1,
      stdout: '',
      stderr: 'app.graphql:1:13: Syntax Error: Expected Name, found <EOF>.\n',
    })
  })

  it('refuses a file that is not there', async () => {
    const { status, stderr } = await annul(['guards', 'nowhere.graphql'], settings)
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "ENOENT: no such file or directory, open 'nowhere.graphql'\n",
    })
  })
})
