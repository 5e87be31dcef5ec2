import { expect, test } from '@jest/globals'
import { parse, validate } from 'graphql'
import { documentOf } from '../../src/client/requests/documents.ts'
import { passkeyMutations } from '../../src/client/requests/passkeyMutations.ts'
import { buildSchema } from '../../src/graphql/schema.ts'

const rename = {
  types: {
    JSON: 'Anything',
    LoginInput: 'SignInInput',
    CompleteLoginInput: 'SecondStepInput',
    PasskeyLoginInput: 'KeyInput',
    FactorInput: 'ProofInput',
  },
  fields: {
    'Mutation.login': 'signIn',
    'Mutation.completeLogin': 'signInFurther',
    'Mutation.passkeyLogin': 'signInByKey',
    'Mutation.reauthenticateWith': 'prove',
    'Mutation.enrollPasskey': 'beginKey',
    'Mutation.confirmPasskey': 'addKey',
    'Mutation.beginPasskey': 'askKey',
    'Mutation.beginPasskeyLogin': 'offerKeys',
  },
}
const own = [
  ...['login', 'register', 'resetPassword', 'changePassword', 'completeLogin', 'passkeyLogin', 'refresh'],
  ...['revokeOtherSessions', 'reauthenticate', 'reauthenticateWith'],
].map(field => ({ field, shape: {} }))
const all = [
  ...own,
  { field: 'logout', shape: { selection: '' } },
  ...Object.entries(passkeyMutations).map(([field, shape]) => ({ field, shape })),
]

test.each([
  ['the server’s own names', undefined],
  ['the names of a rename', rename],
])('every mutation of the client is valid under %s, and answers under Annul’s name', (_, names) => {
  const schema = buildSchema({}, names ? { rename: names } : {})
  for (const { field, shape } of all) {
    const text = documentOf(field, names, shape)
    expect({ text, errors: validate(schema, parse(text)) }).toEqual({ text, errors: [] })
    expect(text).toContain(`{${field}:`)
  }
})
