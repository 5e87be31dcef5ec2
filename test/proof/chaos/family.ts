import { createSession, type Session } from '../../../src/client/index.ts'
import { type Answer, createClient, type TokensAnswer } from '../../support/client.ts'
import type { Random } from './random.ts'

/** One user with several tabs on one storage, and perhaps a thief of the refresh token. */
export interface Family {
  /** Every reason for which the user was signed out. */
  readonly signedOut: readonly string[]
  /** One thing that the user does: refresh in a tab or in several, ask for something, reload a page in between. */
  act(): Promise<void>
  /** A refresh whose outcome is known: signed in still, or out. */
  refreshForSure(): Promise<void>
  /** A refresh in every tab, so that each has told its app what it knows. */
  refreshEveryTab(): Promise<void>
  /** The refresh token that lies in the storage now; empty when the session has ended. */
  readonly refreshToken: string
  /** Whether the user's own requests are answered. */
  works(): Promise<boolean>
  close(): void
}

const tabCount = 5

export async function openFamily(
  endpoint: string,
  account: { email: string; password: string },
  random: Random,
) {
  const storage = new Map<string, string>()
  const signedOut: string[] = []
  const openTab = (): Session => {
    const tab = createSession({
      endpoint: `${endpoint}/graphql`,
      storage,
      timeoutMs: 3000,
      retryMs: 20_000,
      onSignedOut: reason => signedOut.push(reason),
    })
    return tab
  }
  const tabs = Array.from({ length: tabCount }, openTab)
  const any = () => tabs[random.below(tabCount)] as Session
  // Failures of the network pass; what counts is whether the session lives.
  const calmly = (work: Promise<unknown>) => work.then(() => {}).catch(() => {})

  // Nodes are killed under a login too; what is tested begins with the session.
  while (storage.get('annul.token') === undefined) await calmly(any().login(account))

  const family: Family = {
    signedOut,
    get refreshToken() {
      const text = storage.get('annul.token') ?? ''
      return text.startsWith('ended:') ? '' : text
    },
    async act() {
      const kind = random.next()
      if (kind < 0.5) await calmly(any().refresh())
      else if (kind < 0.75) await Promise.all([any(), any(), any()].map(tab => calmly(tab.refresh())))
      else if (kind < 0.9) await calmly(ask(any(), endpoint))
      else {
        // A page is left in the middle of a refresh, and opened again.
        const index = random.below(tabCount)
        const left = tabs[index] as Session
        void calmly(left.refresh())
        left.close()
        tabs[index] = openTab()
        await calmly(tabs[index].ready)
      }
    },
    async refreshForSure() {
      for (;;) {
        const before = family.refreshToken
        await calmly(any().refresh())
        if (signedOut.length > 0 || (family.refreshToken !== before && family.refreshToken !== '')) return
      }
    },
    async refreshEveryTab() {
      await Promise.all(tabs.map(tab => calmly(tab.refresh())))
    },
    async works() {
      for (let tries = 0; tries < 10; tries++) {
        const answer = await ask(any(), endpoint).catch(() => undefined)
        if (answer?.ok) return true
      }
      return false
    },
    close() {
      for (const tab of tabs) tab.close()
    },
  }
  return family
}

function ask(tab: Session, endpoint: string): Promise<Response> {
  return tab.fetch(`${endpoint}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ me { id } }' }),
  })
}

/** What a thief learns with a copied refresh token, over a network that serves him well. */
export interface Thief {
  readonly answer: Answer<{ refresh: TokensAnswer }>
  /**
   * All that nodes have said to the stolen tokens: the reason of a refusal, or "accepted".
   *
   * @throws when a node can't tell now (UNAVAILABLE)
   */
  refusals(urls: readonly string[]): Promise<string[]>
}

export async function steal(url: string, refreshToken: string, attempt: string | undefined): Promise<Thief> {
  const answer = await createClient(url).refresh(refreshToken, attempt)
  const stolen = answer.data?.refresh
  // Kept also when a later node can't tell and all are asked again: nothing that was accepted once is forgotten.
  const said: string[] = []
  return {
    answer,
    async refusals(urls) {
      for (const each of urls) {
        const client = createClient(each)
        if (stolen) said.push(verdictOf(await client.send('{ me { id } }', { token: stolen.accessToken })))
        said.push(verdictOf(await client.refresh(stolen?.refreshToken ?? refreshToken)))
      }
      return said
    },
  }
}

/** A node that can't ask its database lets nobody in, but that is no verdict. */
function verdictOf({ data, reason, code }: Answer<unknown>): string {
  if (code === 'UNAVAILABLE') throw new Error('The node cannot tell.')
  return data ? 'accepted' : (reason ?? code ?? 'nothing')
}
