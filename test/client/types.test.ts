import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { compile } from '../support/compile.ts'
import { root } from '../support/imports.ts'

/* The types of second factors, as a strict app sees them. Every comment marks a line that must not compile. */

const app = /* TypeScript */ `
import {
  createSession, type FactorAnswer, type FactorMethod, type FactorQuestion, type PasskeyAnswer, SessionError,
  type Session, type StepUpAnswer, type StepUpQuestion,
} from 'annul/client'
import { answerWithPasskey, createPasskey, type CreatedPasskey, type Factor, signInWithPasskey } from 'annul/client/passkeys'

const session: Session = createSession({
  endpoint: 'https://api.example.com/graphql',
  onFactor: async ({ challenge, methods, error }: FactorQuestion) => {
    const offered: readonly FactorMethod[] = methods
    if (error?.reason === 'CODE_INVALID') return null
    return offered.includes('PASSKEY') ? answerWithPasskey(session, { challenge }) : { totp: '123456' }
  },
  onStepUp: async ({ maxAge, mfa, error }: StepUpQuestion) =>
    error || (maxAge ?? 0) > 60 ? null : mfa ? { recoveryCode: 'x' } : { password: 'x' },
})
createSession({ endpoint: '/graphql', onFactor: undefined, onStepUp: undefined })
const answers: StepUpAnswer[] = [{ password: 'x' }, { totp: 'x' }, { passkey: { id: 'x', response: {} } }]
const made: CreatedPasskey = await createPasskey(session)
const factor: Factor = made.factor
const key: PasskeyAnswer = (await answerWithPasskey(session)).passkey
await session.passkeyLogin(key)
await session.reauthenticateWith({ passkey: key })
export const { email } = await signInWithPasskey(session, { autofill: true, signal: new AbortController().signal })
export const all = [answers, factor, made.recoveryCodes?.map(code => code.length)]
try {
  await session.login({ email: 'x', password: 'x' })
} catch (error) {
  if (error instanceof SessionError && error.extensions.challenge !== undefined)
    await session.completeLogin({ challenge: error.extensions.challenge, factor: { totp: 'x' } })
}
// @ts-expect-error: two factors
const both: FactorAnswer = { totp: 'x', recoveryCode: 'x' }
// @ts-expect-error: the password is no second factor
const password: FactorAnswer = { password: 'x' }
// @ts-expect-error: no answer at all
createSession({ endpoint: '/graphql', onFactor: async () => ({}) })
// @ts-expect-error: the inside
session.send('login', {})
`

test('the options and doors of second factors compile in a strict app, and show no inside', async () => {
  expect(await compile(app, ['@simplewebauthn/browser'], { lib: ['es2023', 'dom'] })).toEqual([])
  expect(await readFile(join(root, 'dist/client/types.d.ts'), 'utf8')).not.toContain('requests/send')
})
