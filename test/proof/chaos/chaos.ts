import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { createClient } from '../../support/client.ts'
import { startCluster } from '../../support/cluster.ts'
import { openFamily, steal } from './family.ts'
import { startLossyProxy } from './lossyProxy.ts'
import { openRandom, type Random } from './random.ts'

export interface ChaosOptions {
  readonly databaseUrl: string
  readonly seed: number
  /** Honest rotations to reach. */
  readonly rotations: number
  /** Users without a thief, at the same time. */
  readonly families: number
  /** Thefts to try. */
  readonly thefts: number
  /** Seconds between two kills of a node. */
  readonly killEverySeconds: number
}

export interface ChaosReport {
  readonly rotations: number
  readonly lostResponses: number
  readonly kills: number
  /** Reasons for which honest users were signed out: there must be none. */
  readonly honestSignedOut: readonly string[]
  /** Honest users whose requests are not answered in the end. */
  readonly honestStuck: number
  readonly thefts: number
  /** Thefts that were not over at the first honest refresh after them, told one by one. */
  readonly uncaught: readonly string[]
  readonly seconds: number
}

/**
 * Honest users and thieves on two nodes, behind a network that loses a fifth of the answers, while nodes are killed and
 * replaced. What chance decides, the seed decides.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const started = performance.now()
  const random = openRandom(options.seed)
  const cluster = await startCluster({ databaseUrl: options.databaseUrl, nodes: 2 })
  const urls = () => cluster.nodes.map(node => node.url)
  const weather = { lostRequests: 0.05, lostResponses: 0.2, delayMs: 20 }
  const proxy = await startLossyProxy(urls, weather, random.fork())
  const database = postgres(options.databaseUrl, { max: 1, onnotice: () => {} })
  const stopKilling = killNodes(cluster, options.killEverySeconds, random.fork())

  const register = async () => {
    const account = {
      email: `${randomBytes(8).toString('hex')}@example.com`,
      password: 'correct horse battery staple',
    }
    for (;;) {
      const client = createClient(urls()[0] ?? '')
      const made = await client
        .send('mutation ($input: RegisterInput!) { register(input: $input) { expiresIn } }', {
          variables: { input: account },
        })
        .catch(() => undefined)
      if (made?.data || made?.reason === 'EMAIL_TAKEN') return account
    }
  }
  const countRotations = async () => {
    const [row] = await database<
      { count: number }[]
    >`select sum(generation - 1)::int as count from annul.sessions`
    return row?.count ?? 0
  }

  try {
    const families = await Promise.all(
      Array.from({ length: options.families }, async () =>
        openFamily(proxy.url, await register(), random.fork()),
      ),
    )
    let enough = false
    const honest = families.map(async family => {
      while (!enough && family.signedOut.length === 0) await family.act()
    })
    const thieves = stealAll(
      options.thefts,
      async fork => tryTheft(proxy.url, urls, await register(), fork),
      random.fork(),
    )
    while (!enough) {
      await new Promise(resolve => setTimeout(resolve, 100))
      const isOver = families.every(family => family.signedOut.length > 0)
      enough = isOver || (await countRotations()) >= options.rotations
    }
    await Promise.all(honest)
    const uncaught = await thieves
    await stopKilling()
    const working = await Promise.all(families.map(family => family.works()))
    for (const family of families) family.close()
    return {
      rotations: await countRotations(),
      lostResponses: proxy.lost,
      kills: stopKilling.count(),
      honestSignedOut: families.flatMap(family => family.signedOut),
      honestStuck: working.filter(works => !works).length,
      thefts: options.thefts,
      uncaught,
      seconds: Math.round((performance.now() - started) / 1000),
    }
  } finally {
    await stopKilling()
    await proxy.close()
    await cluster.close()
    await database.end()
  }
}

/** A few at a time. @returns what went wrong */
async function stealAll(
  count: number,
  theft: (random: Random) => Promise<string | undefined>,
  random: Random,
) {
  const failures: string[] = []
  let begun = 0
  const worker = async () => {
    while (begun < count) {
      begun++
      const failure = await theft(random.fork())
      if (failure) failures.push(failure)
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, count) }, worker))
  return failures
}

/** A thief copies the refresh token at a random moment, and uses it at a random later one. @returns what went wrong */
async function tryTheft(
  endpoint: string,
  urls: () => string[],
  account: { email: string; password: string },
  random: Random,
): Promise<string | undefined> {
  const family = await openFamily(endpoint, account, random.fork())
  const acts = async (limit: number) => {
    for (let rest = random.below(limit); rest > 0; rest--) await family.act()
  }
  try {
    await acts(4)
    const copied = family.refreshToken
    await acts(3)
    if (family.signedOut.length > 0) return `signed out before the theft: ${family.signedOut.join()}`
    const attempt = random.chance(0.5) ? randomBytes(24).toString('base64url') : undefined
    const thief = await persistently(() => steal(urls()[0] ?? '', copied, attempt))
    await family.refreshForSure()
    await family.refreshEveryTab()
    // Asked in any case: a theft that was told wrongly is one thing, a thief who is still in another.
    const refusals = await persistently(() => thief.refusals(urls()))
    const nodes = `to the thief's tokens the nodes say ${refusals.join(', ')}`
    if (family.signedOut.length === 0 || family.signedOut.some(reason => reason !== 'REFRESH_REUSED')) {
      const told = family.signedOut.join() || 'went on'
      return `not caught: the thief got ${thief.answer.reason ?? 'tokens'}, the user ${told}; ${nodes}`
    }
    return refusals.every(reason => reason === 'REFRESH_REUSED') ? undefined : `still alive: ${nodes}`
  } finally {
    family.close()
  }
}

/** Over kills of nodes. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    const result = await work().catch(() => undefined)
    if (result !== undefined) return result
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** SIGKILL for one of the nodes now and then, and a new one in its place. */
function killNodes(cluster: Awaited<ReturnType<typeof startCluster>>, everySeconds: number, random: Random) {
  let stopped = false
  let kills = 0
  let wake = () => {}
  const loop = async () => {
    for (;;) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, everySeconds * 1000)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (stopped) return
      await cluster.nodes[random.below(cluster.nodes.length)]?.kill()
      kills++
      await cluster.start()
    }
  }
  const ended = loop()
  const stop = () => {
    stopped = true
    wake()
    return ended
  }
  return Object.assign(stop, { count: () => kills })
}
