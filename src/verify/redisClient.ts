/** A connected client of Redis: node-redis, node-redis for a cluster, ioredis, or a function that sends one command. */
export type RedisClient =
  | ((words: string[]) => Promise<unknown>)
  | { call(command: string, ...words: string[]): Promise<unknown> }
  | { sendCommand(words: string[]): Promise<unknown> }
  | {
      sendCommand(key: string, isReadonly: boolean, words: string[]): Promise<unknown>
      readonly masters: unknown
    }

/**
 * @param key decides which node of a cluster is asked: its primary, never a replica
 * @throws TypeError for what is no client
 */
export function sender(client: RedisClient, key: string): (words: string[]) => Promise<unknown> {
  if (typeof client === 'function') return client
  // ioredis has both functions, and its sendCommand takes an object.
  if ('call' in client && typeof client.call === 'function')
    return ([command = '', ...words]) => client.call(command, ...words)
  if ('masters' in client) return words => client.sendCommand(key, false, words)
  if (typeof Object(client).sendCommand === 'function')
    return words => (client as { sendCommand(words: string[]): Promise<unknown> }).sendCommand(words)
  throw new TypeError(
    'redis: "client" must be a client of redis or ioredis, or a function that sends a command.',
  )
}
