import { expect, it } from '@jest/globals'
import { describeInChromium } from '../client/browser/chromium.ts'
import { expectAccessible, signIn, useConsole } from '../support/console.ts'
import { region } from '../support/consoleAccount.ts'

describeInChromium('Where the schema has factors, the account room', () => {
  const { server, open } = useConsole({
    extension: {
      typeDefs: /* GraphQL */ `
        type Factor { id: ID! kind: String! name: String createdAt: DateTime! lastUsedAt: DateTime }
        extend type Query { factors: [Factor!]! @auth }
      `,
      resolvers: {
        Query: {
          factors: () => [
            { id: '1', kind: 'PASSKEY', name: 'A key', createdAt: new Date(), lastUsedAt: null },
          ],
        },
      },
    },
  })

  it('has a place for them', async () => {
    const account = await server.signUp()
    const page = await open('/account')
    await signIn(page, account)
    const section = region(page, 'Passkeys and second factors')
    await section.getByText('A key').waitFor()
    expect(await section.innerText()).toContain('Passkey')
    await expectAccessible(page)
  })
})
