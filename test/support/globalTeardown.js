import { rmSync } from 'node:fs'

export default async function globalTeardown() {
  await globalThis.__postgres?.stop()
  rmSync(process.env.TEST_DIR, { recursive: true, force: true })
}
