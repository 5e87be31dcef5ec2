/** Whoever knows has not answered in time, or has not wanted to. The message says why, and names no secret. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}
