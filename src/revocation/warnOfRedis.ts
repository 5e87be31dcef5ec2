import type { Log } from '../log.ts'
import type { RedisConnection } from './mirrorRedis.ts'

/**
 * Warns of settings of Redis by which it may lose what it has confirmed. Where Redis may not be asked, nothing is said.
 */
export async function warnOfRedis({ command }: Pick<RedisConnection, 'command'>, log: Log): Promise<void> {
  try {
    const settings = new Map<string, string>()
    for (const name of ['maxmemory-policy', 'appendonly', 'appendfsync', 'save']) {
      const answer = await command('CONFIG', 'GET', name)
      if (Array.isArray(answer)) settings.set(name, String(answer[1]))
    }
    for (const warning of warningsOf(settings)) log.warn(Object.fromEntries(settings), warning)
  } catch {
    // CONFIG is often forbidden. A lost connection is told elsewhere.
  }
}

function warningsOf(settings: ReadonlyMap<string, string>): string[] {
  const warnings: string[] = []
  const policy = settings.get('maxmemory-policy')
  if (policy !== undefined && policy !== 'noeviction')
    warnings.push('Redis may evict revocations when its memory is full: set maxmemory-policy to noeviction.')
  const appends = settings.get('appendonly') === 'yes'
  const isOld = appends ? settings.get('appendfsync') !== 'always' : (settings.get('save') ?? '') !== ''
  if (isOld)
    warnings.push(
      'Redis may start from a file that is older than its memory: set appendonly to no and save to "", or appendonly to yes and appendfsync to always.',
    )
  return warnings
}
