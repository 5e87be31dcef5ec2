/** A connected client of Redis: node-redis, node-redis for a cluster, ioredis, or a function that sends one command. */
export type RedisClient =
  | ((words: string[]) => Promise<unknown>)
  | { call(command: string, ...words: string[]): Promise<unknown> }
  | { sendCommand(words: string[]): Promise<unknown> }
  | {
      sendCommand(key: string, isReadonly: boolean, words: string[]): Promise<unknown>
      readonly masters: unknown
    }

export type SendCommand = (words: string[]) => Promise<unknown>

/**
 * @param key decides which node of a cluster is asked: its primary, never a replica
 * @throws TypeError for what is no client
 */
export function sender(client: RedisClient, key: string): SendCommand {
  if (typeof client === 'function') return client
  const its: Partial<{ call: unknown; sendCommand: unknown }> = Object(client)
  // ioredis has both functions, and its sendCommand takes an object.
  if ('call' in client && typeof its.call === 'function')
    return ([command = '', ...words]) => client.call(command, ...words)
  if (typeof its.sendCommand !== 'function')
    throw new TypeError(
      'redis: "client" must be a connected client of redis or ioredis, or a function that sends a command. A promise of one has to be awaited.',
    )
  if ('masters' in client) return words => client.sendCommand(key, false, words)
  return words => (client as { sendCommand(words: string[]): Promise<unknown> }).sendCommand(words)
}
