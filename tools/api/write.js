import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Application } from 'typedoc'

/* Writes docs/api/ from the declarations and their comments: one page for each door of package.json. */

const root = new URL('../../', import.meta.url)
const pathOf = file => fileURLToPath(new URL(file, root))
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/** The source of each door, and the door's name: `annul/client`. */
const doors = new Map(
  Object.entries(exports)
    .filter(([, { types }]) => types !== undefined)
    .map(([door, { types }]) => [
      pathOf(types.replace(/^\.\/dist\//, 'src/').replace(/\.d\.ts$/, '.ts')),
      door.replace(/^\./, 'annul'),
    ]),
)
const app = await Application.bootstrapWithPlugins({
  name: 'API',
  entryPoints: [...doors.keys()],
  tsconfig: pathOf('tools/api/tsconfig.json'),
  plugin: ['typedoc-plugin-markdown'],
  outputs: [{ name: 'markdown', path: pathOf('docs/api') }],
  readme: 'none',
  // `npm run check` checks the types.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  // Line numbers would change with every commit.
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  logLevel: 'Warn',
  outputFileStrategy: 'modules',
  useCodeBlocks: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
})
const project = await app.convert()
if (project === undefined || app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
for (const page of project.children ?? []) {
  const door = doors.get(project.getSymbolIdFromReflection(page)?.fileName)
  if (door === undefined) throw new Error(`No door of package.json leads to ${page.name}.`)
  page.name = door
}
rmSync(pathOf('docs/api'), { recursive: true, force: true })
await app.generateOutputs(project)

// The plugin counts some headings twice, and links to a second one that is not there.
for (const door of doors.values()) {
  const page = pathOf(`docs/api/${door}.md`)
  const text = readFileSync(page, 'utf8')
  const headings = [...text.matchAll(/^#+ ([\w$]+)/gm)].map(([, name]) => name.toLowerCase())
  const corrected = text.replace(/\(#([\w$]+)-1\)/g, (link, name) =>
    headings.filter(heading => heading === name).length === 1 ? `(#${name})` : link,
  )
  writeFileSync(page, corrected)
}

writeFileSync(
  pathOf('docs/api/README.md'),
  `# The API of each door

Every name that the entry points of \`annul\` export, written from the source by \`npm run generate\`. [docs/](../README.md) has the
guides, and [schema/](../../schema) the GraphQL contract.

${[...doors.values()].map(door => `- [\`${door}\`](${door}.md)`).join('\n')}
`,
)
