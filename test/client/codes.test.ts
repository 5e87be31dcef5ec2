import { expect, test } from '@jest/globals'
import type { Session } from '../../src/client/index.ts'
import { noteSecrets } from '../support/client.ts'
import { emptied, mailFiles } from '../support/mails.ts'
import { openSession, useClientServer } from './support.ts'

const server = useClientServer()

/** What an app sends by itself, through the session's fetch. */
async function send(session: Session, query: string, headers: Record<string, string> = {}) {
  const response = await session.fetch(server.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  return (await response.json()) as { data: Record<string, unknown> | null; errors?: { message: string }[] }
}

/** The code of the newest mail to an address. */
async function codeTo(email: string): Promise<string> {
  await emptied(server)
  const [code] = /^[0-9A-Z]{4}-[0-9A-Z]{4}$/m.exec((await mailFiles(server, email)).at(-1)?.text ?? '') ?? []
  if (code === undefined) throw new Error('The mail has no code.')
  noteSecrets(code)
  return code
}

test('a code from a mail that was asked for by the fetch of a session works in this session, and in no other', async () => {
  const account = await server.signUp()
  const session = openSession({ endpoint: server.endpoint, storage: new Map() })
  const other = openSession({ endpoint: server.endpoint, storage: new Map() })
  await send(other, `mutation { requestPasswordReset(email: "nobody-${account.email}") }`)
  const asked = await send(session, `mutation { requestPasswordReset(email: "${account.email}") }`)
  expect(asked).toEqual({ data: { requestPasswordReset: true } })

  const input = { token: await codeTo(account.email), newPassword: 'words that nobody has used before' }
  await expect(other.resetPassword(input)).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    reason: 'CODE_INVALID',
    message: 'This code is not valid, was used already or has expired.',
  })
  expect(await session.resetPassword(input)).toMatchObject({ id: account.userId, emailVerified: true })
  expect(session.state.status).toBe('signedIn')
})

test('the fetch of a session sends the code of a mail from the device that asked', async () => {
  const account = await server.signUp()
  const storage = new Map<string, string>()
  const session = openSession({ endpoint: server.endpoint, storage })
  await session.login(account)
  await send(session, 'mutation { requestEmailVerification }')
  const code = await codeTo(account.email)

  // A header that the app has set is not replaced.
  const elsewhere = await send(session, `mutation { verifyEmail(token: "${code}") }`, { 'annul-device': '' })
  expect(elsewhere.errors?.[0]).toMatchObject({ extensions: { reason: 'CODE_INVALID' } })
  const here = await send(session, `mutation { verifyEmail(token: "${code}") }`)
  expect(here).toMatchObject({ data: { verifyEmail: true } })
})
