import { expect, test } from '@jest/globals'
import { clientBudget, clientSize } from '../../tools/clientSize.ts'

test('the client weighs less than 7.0 kB minified and gzipped, and takes nothing of Node or the server along', async () => {
  // Bundled for the browser: an import of node: or of a package would make it fail.
  const { gzipped } = await clientSize()
  expect(gzipped).toBeGreaterThan(1000)
  expect(gzipped).toBeLessThan(clientBudget)
})
