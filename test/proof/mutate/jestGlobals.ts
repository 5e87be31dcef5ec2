import { jestExpect } from '@jest/expect'
import { getState } from 'jest-circus'
import { fn, spyOn } from 'jest-mock'

/* What a test file imports from @jest/globals, where Jest itself does not run (warmRunner.ts). */

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from 'jest-circus'
export const expect = jestExpect
export const jest = {
  fn,
  spyOn,
  setTimeout(milliseconds: number): void {
    getState().testTimeout = milliseconds
  },
}
