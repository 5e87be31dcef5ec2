import { afterAll, afterEach } from '@jest/globals'

/* A test that writes to the console fails, and so does a hook: nobody reads such output, and it hides other output. */

const methods = ['debug', 'dir', 'error', 'info', 'log', 'table', 'trace', 'warn'] as const
const out = console as unknown as Record<(typeof methods)[number], (...parts: unknown[]) => void>
const written: unknown[][] = []
let isOver = false

// Plain functions instead of Jest's spies, which a test can restore.
for (const method of methods) {
  const write = out[method].bind(console)
  out[method] = (...parts) => {
    write(...parts)
    written.push(parts)
    if (isOver) check()
  }
}

afterEach(check)
afterAll(() => {
  // This hook runs before the hooks of the test file. A write in one of these is an error at once.
  isOver = true
  check()
})

function check(): void {
  const [first] = written.splice(0)
  if (first !== undefined) throw new Error(`The test wrote to the console: ${first.map(String).join(' ')}`)
}
