import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { hashServiceSecret, makeServiceSecret } from '../../src/tokens/serviceSecret.ts'

/** A service that decides by a verifier, as a process. */
export interface ClusterVerifier {
  readonly name: string
  readonly url: string
  isFresh(): Promise<boolean>
  signal(signal: NodeJS.Signals): void
  /** Sends SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

const program = fileURLToPath(new URL('serveVerifier.js', import.meta.url))
const running = new Set<ChildProcess>()
// For the tools. Jest's sandbox never emits this event.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** @param doors URLs of nodes that stay the same, whichever nodes run */
export async function startVerifierProcess(
  name: string,
  databaseUrl: string,
  doors: readonly string[],
): Promise<ClusterVerifier> {
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env.PATH ?? '',
      ANNUL_NODES: doors.join(' '),
      ANNUL_SERVICE: await makeSecret(databaseUrl),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const exit = once(child, 'exit').then(() => running.delete(child))
  // globalTeardown.js searches this file for secrets.
  createInterface({ input: child.stderr }).on('line', line => {
    if (process.env.TEST_LOG) appendFileSync(process.env.TEST_LOG, `${line}\n`)
  })
  const [url] = await once(createInterface({ input: child.stdout }), 'line')
  return {
    name,
    url,
    isFresh: async () => (await (await fetch(`${url}/fresh`)).text()) === 'true',
    signal: signal => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

async function makeSecret(databaseUrl: string): Promise<string> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  const [id, secret] = [randomUUID(), makeServiceSecret()]
  await sql`insert into annul.services (id, name, rights) values (${id}, ${id}, '{feed,introspect}')`
  await sql`insert into annul.service_secrets (id, service_id, hash)
    values (${randomUUID()}, ${id}, ${hashServiceSecret(secret)})`
  await sql.end()
  return secret
}

/** A port that stays the same, and leads each new connection to the node that has this place then. */
export async function openDoor(nodeUrl: () => string | undefined): Promise<{ url: string; close(): void }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(near => {
    const url = nodeUrl()
    if (url === undefined) return near.destroy()
    const far = connect(Number(new URL(url).port), new URL(url).hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
