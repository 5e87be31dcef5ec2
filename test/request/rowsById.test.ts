import { describe, expect, it } from '@jest/globals'
import { RowsById } from '../../src/request/rowsById.ts'

describe('RowsById', () => {
  const reader = () => {
    const asked: (readonly string[])[] = []
    const rows = new RowsById(async ids => {
      asked.push(ids)
      if (ids.includes('broken')) throw new Error('The database does not answer.')
      return ids.filter(id => id !== 'none').map(id => ({ id }))
    })
    return { asked, rows }
  }

  it('reads what is asked for at one time together, and each row once', async () => {
    const { asked, rows } = reader()
    const later = Promise.resolve().then(() => rows.read('c'))
    const all = [rows.read('a'), rows.read('none'), rows.read('a'), later]
    expect(await Promise.all(all)).toEqual([{ id: 'a' }, null, { id: 'a' }, { id: 'c' }])
    expect(await rows.read('a')).toEqual({ id: 'a' })
    expect(await rows.read('d')).toEqual({ id: 'd' })
    expect(asked).toEqual([['a', 'none', 'c'], ['d']])
  })

  it('fails each that waits for a read that fails, and reads the next', async () => {
    const { rows } = reader()
    const settled = await Promise.allSettled([rows.read('a'), rows.read('broken')])
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await rows.read('b')).toEqual({ id: 'b' })
  })
})
