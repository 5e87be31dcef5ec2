import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { ReviewedField } from '../graphql/reviewGuards.ts'
import { nearest } from '../names.ts'
import { CommandError } from './explain.ts'
import { listOption } from './listOption.ts'

interface GuardsOptions {
  readonly public?: string
  readonly directive: string
}

/** Adds `annul guards`, which reads files and needs neither settings nor a database. */
export function addGuards(program: Command, say: (...lines: string[]) => void): void {
  program
    .command('guards')
    .description(
      'list what guards each field of a schema. Fails on a field of Mutation or Subscription that nothing guards and ' +
        'that is not declared public.',
    )
    .argument('<files...>', "SDL with @auth: a printed schema, or an app's own that extends Annul's")
    .option(
      '--public <list>',
      'fields that are meant for everybody, separated by commas, such as Mutation.subscribe; or @FILE, which has a ' +
        'name on each line, and comments after #',
    )
    .option('--directive <name>', 'what @auth is called in the files', 'auth')
    .action((files: string[], options: GuardsOptions) => review(files, options, say))
}

async function review(
  files: readonly string[],
  options: GuardsOptions,
  say: (...lines: string[]) => void,
): Promise<void> {
  const { readSdl } = await import('../graphql/readSdl.ts')
  const { reviewGuards } = await import('../graphql/reviewGuards.ts')
  const schema = readSdl(
    files.map(name => ({ name, text: readFileSync(name, 'utf8') })),
    options.directive,
  )
  const fields = reviewGuards(schema)
  const declared = readDeclared(options.public)
  refuseUnknown(declared, fields)
  const width = Math.max(...fields.map(({ field }) => field.length))
  say(...fields.map(field => `${field.field.padEnd(width)}  ${field.guard || unguarded(field, declared)}`))
  const open = fields.filter(
    field => field.isAction && field.guard === '' && unguarded(field, declared) === noGuard,
  )
  if (open.length > 0) throw new CommandError(complaint(open, options.directive))
}

const noGuard = 'no guard'

/** What the list says of a field that nothing guards. */
function unguarded({ field, isAction, isOpenByDesign }: ReviewedField, declared: readonly string[]): string {
  if (declared.includes(field)) return 'public'
  if (!isOpenByDesign) return noGuard
  return isAction ? 'public' : "Annul's own"
}

function readDeclared(list: string | undefined): readonly string[] {
  if (list === undefined) return []
  if (!list.startsWith('@')) return listOption(list)
  const lines = readFileSync(list.slice(1), 'utf8').split(/\r?\n/)
  return lines.flatMap(line => listOption(line.replace(/#.*/, '')))
}

/** A name that no field has is a mistake, or is left from a field that is gone. */
function refuseUnknown(declared: readonly string[], fields: readonly ReviewedField[]): void {
  const known = fields.map(({ field }) => field)
  const unknown = declared.filter(name => !known.includes(name))
  if (unknown.length === 0) return
  const lines = unknown.map(name => {
    const hint = existsSync(name)
      ? `A file is given as @${name}.`
      : `The nearest name is ${nearest(name, known)}.`
    return `--public: the schema has no field "${name}". ${hint}`
  })
  throw new CommandError(lines.join('\n'))
}

function complaint(open: readonly ReviewedField[], directive: string): string {
  const names = open.map(({ field }) => `  ${field}`)
  const head = open.length === 1 ? 'Nothing guards this field' : `Nothing guards these ${open.length} fields`
  const stripped = open.some(({ isStripped }) => isStripped)
    ? [
        "Annul's own fields among them have lost their guards: graphql's printSchema leaves directives out. " +
          'Print the schema with printSchemaWithDirectives of @graphql-tools/utils.',
      ]
    : []
  return [
    `${head} of Mutation or Subscription:`,
    ...names,
    ...stripped,
    `Put @${directive} on each, or declare it public: --public ${open.map(({ field }) => field).join(',')}`,
  ].join('\n')
}
