import { expect, it } from '@jest/globals'
import { linesOf } from '../../src/command/linesOf.ts'

async function* inChunks(text: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size)
}

async function read(text: string | Uint8Array, size: number) {
  const lines: [number, string | undefined][] = []
  for await (const { number, text: line } of linesOf(inChunks(Buffer.from(text), size)))
    lines.push([number, line])
  return lines
}

it('Lines are the same in whatever chunks they come', async () => {
  const text = '\uFEFFfirst\r\n\nthird: é🔑\nlast'
  for (const size of [1, 2, 3, 7, 1000])
    expect([size, await read(text, size)]).toEqual([
      size,
      [
        [1, 'first'],
        [2, ''],
        [3, 'third: é🔑'],
        [4, 'last'],
      ],
    ])
})

it('A text without lines has none, and a line end at the end is no line more', async () => {
  expect(await read('', 10)).toEqual([])
  expect(await read('one\n', 10)).toEqual([[1, 'one']])
})

it('A line that is too long or not UTF-8 is told by its number alone', async () => {
  const long = 'x'.repeat(65_536)
  const text = Buffer.concat([
    Buffer.from(`${long}\n${long}x\n`),
    Buffer.from([0xff, 0x0a]),
    Buffer.from('after\n'),
  ])
  expect(await read(text, 50_000)).toEqual([
    [1, long],
    [2, undefined],
    [3, undefined],
    [4, 'after'],
  ])
})
