import { TextDecoder } from 'node:util'
import type { ImportLine } from '../accounts/importUsers.ts'

/** Longer lines are refused without being kept, so that a file without line ends does not fill the memory. */
const maxLineBytes = 65_536
const newline = 0x0a
const carriageReturn = 0x0d

/** The lines of a text that comes in chunks, without line ends and without the mark of its byte order. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ImportLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let number = 0
  let parts: Buffer[] = []
  let bytes = 0

  const keep = (part: Buffer) => {
    bytes += part.length
    if (bytes > maxLineBytes) parts = []
    else if (part.length > 0) parts.push(part)
  }
  const end = (): ImportLine => {
    number++
    const text = bytes > maxLineBytes ? undefined : decode(decoder, Buffer.concat(parts))
    parts = []
    bytes = 0
    return { number, text: number === 1 ? text?.replace(/^\uFEFF/, '') : text }
  }

  for await (const chunk of chunks) {
    // A view: the chunk is not changed by its source any more.
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let at = buffer.indexOf(newline); at >= 0; at = buffer.indexOf(newline, start)) {
      keep(buffer.subarray(start, at))
      yield end()
      start = at + 1
    }
    keep(buffer.subarray(start))
  }
  // A last line may have no line end.
  if (bytes > 0) yield end()
}

function decode(decoder: TextDecoder, bytes: Buffer): string | undefined {
  const line = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes
  try {
    return decoder.decode(line)
  } catch {
    return undefined
  }
}
