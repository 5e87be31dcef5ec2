export { type GuardOptions, guardSchema } from '../graphql/directive.ts'
export { SchemaError } from '../graphql/requirements.ts'
