import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type ClusterVerifier, openDoor, startVerifierProcess } from './clusterVerifier.ts'
import { type NodeProxy, noProxy, startProxy } from './proxy.ts'

/** Node processes as in production, on one PostgreSQL. Each node reaches the database through a proxy of its own, by default. */

export interface ClusterNode {
  readonly name: string
  readonly url: string
  readonly proxy: NodeProxy
  /** The lines of its log so far. */
  readonly log: readonly string[]
  /** Whether the process was stopped by SIGSTOP, and not continued yet. */
  readonly isStopped: boolean
  /** The exit status, when the process has ended; null after a signal. */
  readonly ended: Promise<number | null>
  signal(signal: NodeJS.Signals): void
  /** Sends SIGKILL, and waits for the end. */
  kill(): Promise<void>
  /** Sends SIGTERM, so that requests in flight are answered. @returns the exit status */
  stop(): Promise<number | null>
}

export interface NodeOptions {
  readonly env?: Record<string, string>
  /** A file of this directory that the process loads first. */
  readonly preload?: 'skewClock.js' | 'freezeView.js' | 'reportLoad.js'
}

export interface Cluster {
  readonly databaseUrl: string
  readonly leaseMs: number
  /** In base64. */
  readonly secret: string
  /** The running nodes. */
  readonly nodes: readonly ClusterNode[]
  /** For each node that ended by itself, its status and the last lines of its log. */
  readonly deaths: readonly string[]
  /** The running services that decide by a verifier: none, until one is started. */
  readonly verifiers: readonly ClusterVerifier[]
  start(options?: NodeOptions): Promise<ClusterNode>
  startVerifier(): Promise<ClusterVerifier>
  close(): Promise<void>
}

export async function startCluster(options: {
  databaseUrl: string
  nodes?: number
  leaseMs?: number
  env?: Record<string, string>
  /** Nodes reach the database directly: for measurements, since a proxy works in the process of the clients. Default: false. */
  hasNoProxies?: boolean
}): Promise<Cluster> {
  const { databaseUrl, leaseMs = 500, hasNoProxies = false } = options
  const secret = randomBytes(32).toString('base64')
  const nodes: ClusterNode[] = []
  const deaths: string[] = []
  /** Also those that are not ready yet. */
  const children = new Set<ChildProcess>()
  let isClosed = false
  let started = 0

  const start = async ({ env = {}, preload }: NodeOptions = {}): Promise<ClusterNode> => {
    if (isClosed) throw new Error('The cluster is closed.')
    const name = String.fromCharCode(97 + started++)
    const url = new URL(databaseUrl)
    const database = { host: url.hostname, port: Number(url.port) }
    const proxy = hasNoProxies ? noProxy(database.port) : await startProxy(database)
    url.port = String(proxy.port)
    const settings = {
      PORT: '0',
      DATABASE_URL: url.href,
      ANNUL_SECRET: secret,
      // All load comes from one address.
      ANNUL_LIMITS: 'off',
      ANNUL_LEASE_MS: String(leaseMs),
      // For mails.
      ANNUL_DATA_DIR: join(process.env.TEST_DIR ?? tmpdir(), 'annul-cluster'),
      ...(preload && { NODE_OPTIONS: `--import ${new URL(preload, import.meta.url).href}` }),
      ...options.env,
      ...env,
    }
    const node = await startNode(name, proxy, settings, children).catch(async error => {
      await proxy.close()
      throw error
    })
    const forget = async <T>(ended: Promise<T>): Promise<T> => {
      const index = nodes.indexOf(member)
      if (index >= 0) nodes.splice(index, 1)
      const result = await ended
      await proxy.close()
      return result
    }
    const member: ClusterNode = {
      ...node,
      get isStopped() {
        return node.isStopped
      },
      kill: () => forget(node.kill()),
      stop: () => forget(node.stop()),
    }
    nodes.push(member)
    void node.ended.then(status => {
      if (!nodes.includes(member)) return
      deaths.push(
        [`Node ${name} ended with ${status}.`, ...node.log.filter(isNoRequest).slice(-20)].join('\n'),
      )
      return forget(node.ended)
    })
    return member
  }

  const verifiers: ClusterVerifier[] = []
  const doors: Awaited<ReturnType<typeof openDoor>>[] = []
  let startedVerifiers = 0
  const startVerifier = async (): Promise<ClusterVerifier> => {
    while (doors.length < 3) {
      const place = doors.length
      doors.push(await openDoor(() => nodes[place % nodes.length]?.url))
    }
    const urls = doors.map(({ url }) => url)
    const verifier = await startVerifierProcess(`verifier ${++startedVerifiers}`, databaseUrl, urls)
    const member = {
      ...verifier,
      async kill() {
        verifiers.splice(verifiers.indexOf(member), 1)
        await verifier.kill()
      },
    }
    verifiers.push(member)
    return member
  }

  const close = async () => {
    isClosed = true
    await Promise.all([...verifiers].map(verifier => verifier.kill()))
    for (const door of doors) door.close()
    const ended = [...nodes].map(node => node.kill())
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(ended)
  }

  try {
    // The first node makes the tables. Other tests start several nodes on an empty database.
    await start()
    await Promise.all(Array.from({ length: (options.nodes ?? 3) - 1 }, () => start()))
  } catch (error) {
    await close()
    throw error
  }
  return {
    databaseUrl,
    leaseMs,
    secret,
    nodes,
    verifiers,
    deaths,
    start,
    startVerifier,
    close,
  }
}

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const running = new Set<ChildProcess>()
// For the tools. Jest's sandbox never emits this event.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

async function startNode(
  name: string,
  proxy: NodeProxy,
  env: Record<string, string>,
  children: Set<ChildProcess>,
): Promise<ClusterNode> {
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  children.add(child)
  const exit = once(child, 'exit').then(([status]) => {
    running.delete(child)
    children.delete(child)
    return status as number | null
  })
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', line => {
    log.push(line)
    // globalTeardown.js searches this file for secrets.
    if (process.env.TEST_LOG) appendFileSync(process.env.TEST_LOG, `${line}\n`)
  })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const ready = /^Annul is ready at (.*)\/graphql$/.exec(line)?.[1]
      if (ready) resolve(ready)
    })
    exit.then(status => reject(new Error(`Node ${name} ended with ${status}:\n${log.join('\n')}`)))
  })
  let isStopped = false
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    // A stopped process handles no other signal before SIGCONT.
    if (signal !== 'SIGKILL') child.kill('SIGCONT')
    return exit
  }
  return {
    name,
    url,
    proxy,
    log,
    get isStopped() {
      return isStopped
    },
    ended: exit,
    signal: signal => {
      if (signal === 'SIGSTOP' || signal === 'SIGCONT') isStopped = signal === 'SIGSTOP'
      child.kill(signal)
    },
    kill: async () => {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}

function isNoRequest(line: string): boolean {
  return !line.includes('"msg":"request"')
}
