import type { VisitorDevice } from '../../src/viewer.ts'

/** The device of a visitor who is made by a test. */
export const noDevice: VisitorDevice = {
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  knownId: undefined,
  knows: () => false,
  remember: () => {},
}
