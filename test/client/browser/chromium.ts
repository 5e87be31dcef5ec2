import { existsSync } from 'node:fs'
import { describe } from '@jest/globals'
import { type Browser, chromium } from 'playwright-core'
import { useFixture } from '../../support/useFixture.ts'

const executablePath = '/usr/bin/chromium'
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-sync',
]

/** `describe` where Debian's chromium is installed. Elsewhere its tests are listed as skipped. */
export const describeInChromium = existsSync(executablePath) ? describe : describe.skip

/** Chromium, for all tests of the calling `describe`. Call it above servers, so that it is closed before them. */
export function useBrowser(): Pick<Browser, 'newContext' | 'close'> {
  return useFixture(async () => {
    const browser = await chromium.launch({ executablePath, args })
    return { newContext: options => browser.newContext(options), close: () => browser.close() }
  })
}
