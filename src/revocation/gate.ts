/**
 * Which part of what a node has applied may count as applied: that which nobody who decides by the node's picture may
 * lack any more (feed.ts).
 */
export interface Gate {
  /** Rises with every apply that changed something. */
  readonly position: number
  /** Calls once, when nobody may decide without what was applied up to this position: at once, where it is so now. */
  whenPassed(position: number, call: () => void): void
  /** Asks everybody to stop deciding by the node's picture. @returns when nobody may decide by it any more */
  close(): Promise<void>
}

/** Nobody decides by the node's picture but the node. */
export const openGate: Gate = {
  position: 0,
  whenPassed: (_position, call) => call(),
  close: async () => {},
}
