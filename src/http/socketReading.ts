import type { Socket } from 'node:net'

/** Node's internal handle of a socket. */
interface Handle {
  reading?: boolean
  readStart?(): void
  readStop?(): void
}

/**
 * Stops reading at once. Node's `pause` alone lets one more chunk in, of up to 64 KiB: with 1,000 sockets that is far
 * more memory than sockets may take. Where Node has no such handle, `pause` has to do.
 */
export function stopReading(socket: Socket): void {
  socket.pause()
  stop(socket)
  // A stream that was resumed or read in this turn of the event loop begins to read once more at the end of the turn.
  setImmediate(() => {
    if (socket.isPaused()) stop(socket)
  })
}

function stop(socket: Socket): void {
  const handle = handleOf(socket)
  if (!handle?.reading || !handle.readStop) return
  handle.reading = false
  handle.readStop()
}

export function startReading(socket: Socket): void {
  const handle = handleOf(socket)
  if (handle?.reading === false && handle.readStart) {
    handle.reading = true
    handle.readStart()
  }
  socket.resume()
}

function handleOf(socket: Socket): Handle | null | undefined {
  return (socket as { _handle?: Handle | null })._handle
}
