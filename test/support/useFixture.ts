import { afterAll, beforeAll } from '@jest/globals'

/**
 * Opens a fixture before the tests of the calling file or `describe`, and closes it after them. Where every test is
 * skipped, Jest calls no hooks and nothing is opened. Fixtures are closed in the order in which they are declared, and
 * an `afterAll` below the call runs when the fixture is closed.
 *
 * @returns a stand-in for the fixture, whose members throw as long as the fixture is not open
 * @example
 * const server = useFixture(() => startTestServer())
 */
export function useFixture<T extends { close(): Promise<unknown> }>(open: () => T | Promise<T>): T {
  let opened: T | undefined
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(async () => {
    // Undefined when `open` failed. Jest has reported that.
    await opened?.close()
  })

  const fixture = () => {
    if (opened === undefined)
      throw new Error('A fixture can be used in tests and hooks, not while tests are declared.')
    return opened
  }
  return new Proxy({} as T, {
    get: (_, name) => Reflect.get(fixture(), name),
    set: (_, name, value) => Reflect.set(fixture(), name, value),
    has: (_, name) => Reflect.has(fixture(), name),
    ownKeys: () => Reflect.ownKeys(fixture()),
    getOwnPropertyDescriptor: (_, name) => {
      const descriptor = Reflect.getOwnPropertyDescriptor(fixture(), name)
      // A proxy may only speak of properties that could be taken away from the empty object behind it.
      return descriptor && { ...descriptor, configurable: true }
    },
  })
}
