import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { inputReasons } from '../../tools/docs/errors.ts'
import { must } from '../support/answers.ts'
import type { TokensAnswer } from '../support/client.ts'
import { openMfaAdmin } from '../support/devices.ts'
import { type BegunTotp, type ConfirmedTotp, challengeOf, codeOf } from '../support/factors.ts'
import { root } from '../support/imports.ts'
import { useServer } from '../support/server.ts'

const text = readFileSync(join(root, 'docs/factors.md'), 'utf8')
const operations = new Map(
  [...text.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, source = '']) => [
    /(?:mutation|query) (\w+)/.exec(source)?.[1] ?? '',
    source,
  ]),
)
const server = useServer()

it('docs/factors.md shows operations that work', async () => {
  const done: string[] = []
  const run = async <T>(name: string, token: string, variables: Record<string, unknown> = {}): Promise<T> => {
    done.push(name)
    const data = must(await server.send(operations.get(name) ?? '', { variables, token }))
    return Object.values(data)[0] as T
  }
  const { accessToken, ...account } = await server.signUp()
  const app = await run<BegunTotp>('Enroll', accessToken)
  const { recoveryCodes } = await run<ConfirmedTotp>('ConfirmApp', accessToken, {
    id: app.id,
    code: codeOf(app.secret),
  })
  const [first = '', second = ''] = recoveryCodes ?? []
  const challenge = await challengeOf(server, account)
  const opened = await run<TokensAnswer>('Complete', '', {
    input: { challenge, factor: { recoveryCode: first } },
  })
  const { accessToken: proved } = await run<TokensAnswer>('StepUp', accessToken, {
    input: { recoveryCode: second },
  })
  expect(await run('Factors', proved)).toMatchObject([
    { kind: 'TOTP', codesLeft: null },
    { kind: 'RECOVERY_CODE', codesLeft: 8 },
  ])
  expect(await run('Rename', proved, { id: app.id, name: 'Phone' })).toEqual({ id: app.id, name: 'Phone' })
  expect(await run('NewCodes', proved)).toHaveLength(10)
  expect((await server.send('{ me { id } }', { token: opened.accessToken })).reason).toBe('FACTOR_REMOVED')
  expect(await run('Delay', proved)).toEqual({ delay: true, at: null })
  const { accessToken: admin } = await openMfaAdmin(server)
  expect(await run('Reset', admin, { id: account.userId })).toEqual({ id: account.userId })
  expect(await run('Waiting', proved)).toEqual({ delay: true, at: expect.any(String) })
  expect(await run('Remove', proved, { id: app.id })).toBe(true)
  expect([...new Set(done)].sort()).toEqual([...operations.keys()].sort())
})

it('docs/factors.md names reasons that there are', () => {
  const named = [...text.matchAll(/^\| BAD_USER_INPUT \| `(\w+)` \|/gm)].map(([, reason = '']) => reason)
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(reason => !(reason in inputReasons))).toEqual([])
})
