import { afterEach, beforeEach, jest } from '@jest/globals'

/* A test that writes to the console fails: what a user would not want to read, nobody wants to. */

const methods = ['log', 'info', 'warn', 'error'] as const
let spies: { mock: { calls: unknown[][] }; mockRestore(): void }[] = []

beforeEach(() => {
  spies = methods.map(method => jest.spyOn(console, method))
})

afterEach(() => {
  const written = spies.flatMap(spy => spy.mock.calls)
  for (const spy of spies) spy.mockRestore()
  if (written.length > 0) throw new Error(`The test wrote to the console: ${JSON.stringify(written[0])}`)
})
