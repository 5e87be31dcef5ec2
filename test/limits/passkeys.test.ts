import { describe, expect, it, jest } from '@jest/globals'
import { must, refusal, refused } from '../support/answers.ts'
import type { Challenge } from '../support/authenticator.ts'
import { mailsTo } from '../support/outbox.ts'
import { beginPasskeyLogin, passkeyLogin, signUpWithPasskey } from '../support/passkeys.ts'
import { headersOf, useLimitedServer } from './support.ts'

jest.setTimeout(120_000)

const server = useLimitedServer()

describe('passkeyLogin', () => {
  it('is refused when an address has failed 100 times, at once too, and another address is not', async () => {
    const account = await signUpWithPasskey(server)
    const right = async (from: string) => {
      const begun = await beginPasskeyLogin(server)
      const response = account.authenticator.get(begun, account.passkey)
      return passkeyLogin(server, begun.id, response, { headers: headersOf({ from }) })
    }
    // A success is given back.
    for (let signIns = 0; signIns < 3; signIns++) must(await right('10.2.0.1'))
    const begun: Challenge = await beginPasskeyLogin(server)
    const answers = await Promise.all(
      Array.from({ length: 120 }, () =>
        passkeyLogin(server, begun.id, {}, { headers: headersOf({ from: '10.2.0.1' }) }),
      ),
    )
    expect(answers.filter(({ reason }) => reason === 'PASSKEY_INVALID')).toHaveLength(100)
    expect(answers.filter(({ code }) => code === 'TOO_MANY_REQUESTS')).toHaveLength(20)
    expect(refusal(await right('10.2.0.1'))).toEqual(
      refused({ code: 'TOO_MANY_REQUESTS', retryAfter: expect.any(Number), recover: 'RETRY' }, 429),
    )
    must(await right('10.3.0.1'))
  })

  it('tells an owner of a copied passkey five times an hour at most', async () => {
    const account = await signUpWithPasskey(server, undefined, { counter: 9 })
    for (let uses = 0; uses < 7; uses++) {
      const begun = await beginPasskeyLogin(server)
      const response = account.authenticator.get(begun, account.passkey, { counter: 1 })
      await passkeyLogin(server, begun.id, response, { headers: headersOf({ from: '10.4.0.1' }) })
    }
    const kinds = (await mailsTo(server, account.email)).map(({ kind }) => kind)
    expect(kinds.filter(kind => kind === 'passkey-cloned')).toHaveLength(5)
  })
})
