import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { bindAddress } from '../../../src/tokens/binding.ts'
import { accepted, claimsOf, me, unauthenticated } from '../../sessions/refresh/support.ts'
import { type TokensAnswer, tokenFields } from '../../support/client.ts'
import {
  type Abilities,
  type ContractOptions,
  type ContractServer,
  type SignedUp,
  type Start,
  useContractServer,
} from './server.ts'

const [eve, here] = ['198.51.100.66', '203.0.113.7']
const loginWith = `mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`

/** The client's address, as the server knows it. */
export function addressCases(
  start: Start,
  first: ContractServer,
  beside: () => ContractOptions,
  { hidesAddress = false }: Abilities,
): void {
  const login = async (
    server: ContractServer,
    { email, password }: SignedUp,
    headers: Record<string, string>,
  ) => {
    const variables = { input: { email, password } }
    const { data } = await server.send<{ login: TokensAnswer }>(loginWith, { variables, headers })
    return data?.login.accessToken ?? ''
  }
  const storedFor = async (server: ContractServer, accessToken: string) => {
    const sid = String(claimsOf(accessToken).sid)
    const [row] = await server.rows<{ address: string }>(
      sql`select host(ip_address) as address from annul.sessions where id = ${sid}`,
    )
    return row?.address
  }

  describe('the client’s address', () => {
    it('is the connection’s, whatever a client says where no proxy is trusted', async () => {
      const claims = { 'x-forwarded-for': eve, 'x-real-ip': eve, forwarded: `for=${eve}` }
      expect(await storedFor(first, await login(first, await first.signUp(), claims))).toBe('127.0.0.1')
    })

    describe('behind a trusted proxy', () => {
      const server = useContractServer(start, () => ({
        ...beside(),
        settings: { bind: 'ip', trustedProxies: ['127.0.0.0/8'] },
      }))

      it('is the last that the proxy names, and binds the token', async () => {
        const ada = await server.signUp()
        const headers = { 'x-forwarded-for': `${eve}, ${here}` }
        const token = await login(server, ada, headers)
        expect(await storedFor(server, token)).toBe(here)
        expect(claimsOf(token).cnf).toEqual({ binding: bindAddress(here) })
        expect(await me(server, token, headers)).toEqual(accepted(ada.userId))
        for (const elsewhere of [`${here}, ${eve}`, eve, ''])
          expect(await me(server, token, { 'x-forwarded-for': elsewhere })).toEqual(
            unauthenticated('TOKEN_EXPIRED'),
          )
      })
    })

    const describeHidden = hidesAddress ? describe : describe.skip
    describeHidden('where the app does not hand it over', () => {
      const server = useContractServer(start, () => ({
        ...beside(),
        hidesAddress: true,
        settings: { bind: 'ip' },
      }))

      it('binds no token: nothing is issued and nothing is written, and the log says why', async () => {
        const users = () => server.rows(sql`select count(*) from annul.users`)
        const before = await users()
        const input = { email: `${crypto.randomUUID()}@example.com`, password: 'a password of the contract' }
        const answer = await server.send(
          'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }',
          { variables: { input } },
        )
        expect(answer).toMatchObject({ status: 200, data: { register: null }, code: 'INTERNAL_SERVER_ERROR' })
        expect(await users()).toEqual(before)
        const id = answer.errors?.[0]?.extensions.id
        expect(server.errors.filter(error => error.id === id)).toMatchObject([
          { err: { message: expect.stringMatching(/^With ANNUL_BIND=ip no access token is issued/) } },
        ])
      })
    })
  })
}
