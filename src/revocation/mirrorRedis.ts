import { createClient } from '@redis/client'
import { epochKey, freshKey, positionKey, sessionKey, signingKeyKey, userKey } from './mirrorKeys.ts'
import type { MirrorConnection, MirrorStore } from './mirrorPort.ts'
import { freshUntilScript, grantScript, writeScript } from './mirrorScripts.ts'
import type { Revocation } from './view.ts'

/* In a file of its own, because a node without a mirror does not install @redis/client. */

/** Beyond the life of a token, so far that no clock that runs 5 % fast ends an entry before the token. */
const entryLifeMs = 7_200_000
const positionLifeMs = 86_400_000
/** How long opening a connection may take, with everything that Redis is asked then. */
const connectMs = 5000

/** The connection to Redis, with what is asked about Redis itself. */
export interface RedisConnection extends MirrorConnection {
  command(...words: readonly string[]): Promise<unknown>
}

export interface RedisStore extends MirrorStore {
  connect(onLost: (error: unknown) => void, signal: AbortSignal): Promise<RedisConnection>
}

/**
 * @param url `redis://…` or `rediss://…`, with user name, password and the number of the database
 * @throws Error, for a URL that the client can't read
 */
export function redisStore(url: string): RedisStore {
  /** The node of a cluster that has the keys, when another node has said so. */
  let moved: string | undefined
  return {
    async connect(onLost, signal) {
      const client = openClient(moved ?? url)
      // The next attempt asks the node of the URL again.
      moved = undefined
      let isOpen = false
      let lost: unknown
      client.on('error', error => {
        lost ??= error
        if (isOpen) onLost(error)
      })
      const command = async (...words: readonly string[]) => {
        try {
          return await client.sendCommand(words)
        } catch (error) {
          moved ??= movedTo(url, error)
          throw error
        }
      }
      const giveUp = () => client.destroy()
      const timer = setTimeout(giveUp, connectMs)
      signal.addEventListener('abort', giveUp)
      try {
        if (signal.aborted) throw new Error('The mirror is closing.')
        await client.connect()
        if (lost !== undefined) throw lost
        isOpen = true
        return connectionOf(command, giveUp)
      } catch (error) {
        giveUp()
        throw error
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
      }
    },
  }
}

/**
 * One connection: a client that connects again, or sends commands again, would believe that the next Redis has what the
 * Redis before it had.
 */
function openClient(url: string) {
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    disableClientInfo: true,
    socket: { reconnectStrategy: false, connectTimeout: connectMs },
  })
}

function connectionOf(
  command: (...words: readonly string[]) => Promise<unknown>,
  close: () => void,
): RedisConnection {
  const run = async (script: string, keys: readonly string[], values: readonly (string | number)[]) =>
    Number(await command('EVAL', script, String(keys.length), ...keys, ...values.map(String)))
  return {
    command,
    close,
    async time() {
      const answer = await command('TIME')
      const [seconds, microseconds] = Array.isArray(answer) ? answer.map(Number) : []
      const time = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
      if (!Number.isSafeInteger(time)) throw new Error('Redis did not tell its time.')
      return time
    },
    async write({ node, entries, after, at, kind }) {
      const keys = [freshKey, positionKey(node), ...entries.map(keyOf)]
      const values = entries.flatMap(entry => [entry.kind, entry.minVersion ?? 0, entry.reason])
      return (await run(writeScript, keys, [kind, after, at, entryLifeMs, positionLifeMs, ...values])) === 1
    },
    async grant({ node, at, until, time }) {
      return (await run(grantScript, [freshKey, positionKey(node)], [at, until, time, positionLifeMs])) === 1
    },
    async freshUntil() {
      const until = await run(freshUntilScript, [freshKey], [])
      return until === 0 ? undefined : until
    },
  }
}

function keyOf({ kind, subject = '' }: Revocation): string {
  switch (kind) {
    case 'session':
      return sessionKey(subject)
    case 'user':
      return userKey(subject)
    case 'key':
      return signingKeyKey(subject)
    case 'everyone':
      return epochKey
  }
}

/** `MOVED 3999 127.0.0.1:6381`: a node of a cluster says which node has the keys. An empty host is the node's own. */
function movedTo(url: string, error: unknown): string | undefined {
  const found = /^MOVED \d+ (.*):(\d+)$/.exec(error instanceof Error ? error.message : '')
  if (!found) return undefined
  const [, host = '', port = ''] = found
  const target = new URL(url)
  if (host !== '') target.hostname = host.includes(':') ? `[${host}]` : host
  target.port = port
  return target.href
}
