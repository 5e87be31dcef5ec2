import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { codegen } from '@graphql-codegen/core'
import * as typescript from '@graphql-codegen/typescript'
import * as resolvers from '@graphql-codegen/typescript-resolvers'
import { concatAST, parse } from 'graphql'

/* Writes the types of the resolvers from the SDL: `npm run generate`. */

const filename = 'src/graphql/generated.ts'
const schema = concatAST(
  readdirSync('schema')
    .sort()
    .map(file => parse(readFileSync(`schema/${file}`, 'utf8'))),
)
const config = {
  useTypeImports: true,
  enumsAsTypes: true,
  scalars: {
    JSON: { input: 'unknown', output: 'unknown' },
    DateTime: { input: 'Date', output: 'Date' },
    ID: { input: 'string', output: 'string' },
  },
  contextType: '../request/context.ts#GraphQLContext',
  mappers: {
    User: './sources.ts#UserSource',
    Session: './sources.ts#SessionSource',
    Tokens: './sources.ts#TokensSource',
    SessionEvent: './sources.ts#SessionEventSource',
  },
  avoidOptionals: { field: true },
}
const text = await codegen({
  filename,
  schema,
  documents: [],
  config,
  plugins: [{ typescript: {} }, { resolvers: {} }],
  pluginMap: { typescript, resolvers },
})
writeFileSync(filename, `// Generated from schema/ by "npm run generate".\n${text}`)
