import { describe, expect, it } from '@jest/globals'
import { auditCursors, type ListPosition } from '../../src/tokens/auditCursor.ts'
import { respell } from '../support/forge.ts'

const secret = Buffer.alloc(32, 'a secret of 32 bytes in a test. ')
const other = Buffer.alloc(32, 'another secret of 32 bytes here.')
const list = 'events of ada'
const position: ListPosition = {
  id: '17',
  snapshot: '700:705:701,703',
  top: '30',
  readAt: '1800000000.25',
  late: undefined,
}
const late = { ...position, late: { id: '12', snapshot: '690:690:' } }

describe('a cursor', () => {
  it.each([
    ['of events', position],
    ['in the midst of late ones', late],
  ])('%s is read as it was written', (_, written) => {
    const cursors = auditCursors(secret)
    const cursor = cursors.write(list, written)
    expect(cursor).toMatch(/^[\w-]+$/)
    expect(cursors.read(list, cursor)).toEqual(written)
  })

  it('stays the same: one that was given away is good after an update', () => {
    expect(auditCursors(secret).write(list, position)).toBe(
      'oYK5v_s4BDpnRwNKef90SzE3IDcwMDo3MDU6NzAxLDcwMyAzMCAxODAwMDAwMDAwLjI1',
    )
  })

  it('is of no use for another list, nor under another secret', () => {
    const cursor = auditCursors(secret).write(list, position)
    for (const name of ['events of bob', 'events of', '', `${list} `])
      expect(auditCursors(secret).read(name, cursor)).toBeUndefined()
    expect(auditCursors(other).read(list, cursor)).toBeUndefined()
  })

  it('of the previous secret is read, and written under the present one', () => {
    const both = auditCursors(secret, other)
    expect(both.read(list, auditCursors(other).write(list, position))).toEqual(position)
    expect(both.read(list, auditCursors(secret).write(list, position))).toEqual(position)
    expect(both.write(list, position)).toBe(auditCursors(secret).write(list, position))
  })

  it('can not be made, changed or cut by anybody else', () => {
    const cursors = auditCursors(secret)
    const cursor = cursors.write(list, { ...position, id: '1' })
    const bytes = Buffer.from(cursor, 'base64url')
    for (const at of [0, 15, 16, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(cursors.read(list, changed.toString('base64url'))).toBeUndefined()
    }
    for (const length of [0, 1, 15, 16, 17, bytes.length - 1])
      expect(cursors.read(list, bytes.subarray(0, length).toString('base64url'))).toBeUndefined()
    for (const text of ['', 'text', '17 700:705:701,703 30 1800000000.25'])
      expect(cursors.read(list, text)).toBeUndefined()
  })

  it('has one spelling', () => {
    const cursors = auditCursors(secret)
    const cursor = ['1', '12', '123'].map(id => cursors.write(list, { ...position, id })).find(isLoose) ?? ''
    expect(cursors.read(list, cursor)).toBeDefined()
    for (const text of [respell(cursor), `${cursor}=`, ` ${cursor}`, `${cursor}\n`, `!${cursor}`])
      expect(cursors.read(list, text)).toBeUndefined()
  })
})

/** Whether the last letter has bits to spare. */
function isLoose(text: string): boolean {
  return text.length % 4 !== 0
}
