import { texts } from '../../texts/en.ts'

/** What was done, and how long it took until it held everywhere. */
export function endedNote(done: string, revokedOnAllNodesMs: number | undefined): string {
  return revokedOnAllNodesMs === undefined ? done : `${done} ${texts.admin.ended(revokedOnAllNodesMs)}`
}
