import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Redis from 'ioredis'
import { freePort } from '../../test/support/freePort.js'

/** A Redis for the run, without a disk; undefined where there is no `redis-server` and none can be installed. */
export async function openRedis() {
  if (!hasRedis() && !installRedis()) return undefined
  const dir = mkdtempSync(join(tmpdir(), 'annul-redis-'))
  const port = await freePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', [...settings, '--dir', dir], { stdio: 'ignore' })
  const ended = once(server, 'exit')
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50, maxRetriesPerRequest: 100 })
  client.on('error', () => {}) // until it listens
  const version = (await client.info('server')).match(/redis_version:(\S+)/)[1]
  return {
    version,
    url: `redis://127.0.0.1:${port}`,
    /** How many commands of clients it got during `work`. */
    async commandsDuring(work) {
      const before = await countCommands(client)
      await work()
      return (await countCommands(client)) - before
    },
    async stop() {
      client.disconnect()
      server.kill()
      await ended
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** All but those of this file, and of connecting. */
async function countCommands(client) {
  const stats = await client.info('commandstats')
  return [...stats.matchAll(/^cmdstat_([a-z|]+):calls=(\d+)/gm)]
    .filter(([, command]) => !/^(info|client|hello|select)/.test(command))
    .reduce((sum, [, , calls]) => sum + Number(calls), 0)
}

function hasRedis() {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Debian's package, where that may be done without asking anybody: as root, in a container. */
function installRedis() {
  if (process.getuid?.() !== 0) return false
  const apt = (...words) =>
    execFileSync('apt-get', words, {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  try {
    console.log('Installing redis-server.')
    apt('update')
    apt('install', '-y', '--no-install-recommends', 'redis-server')
  } catch {}
  return hasRedis()
}
