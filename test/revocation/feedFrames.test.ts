import { describe, expect, it } from '@jest/globals'
import {
  feedProtocol,
  readNodeFrame,
  readVerifierFrame,
  writeFrame,
} from '../../src/revocation/feedFrames.ts'

const broken = [
  '',
  '{',
  'null',
  '[]',
  '"hello"',
  '7',
  '{}',
  '{"type":7}',
  '{"type":null}',
  '[{"type":"hello"}]',
]
const counts = [0, 1, 2 ** 53 - 1]
const noCounts = [-1, 0.5, 2 ** 53, '1', null, undefined, true, [1]]
const durations = [0, 0.5, 1e300]
const noDurations = [-0.5, Number.NaN, '1', null, true]
const text = (frame: object) => JSON.stringify(frame)

it('The feed has a protocol by which later ones are told from it', () => {
  expect(feedProtocol).toBe('annul-feed-1')
})

describe('a frame of a verifier', () => {
  it('is read as it was written, without anything beside it', () => {
    for (const frame of [{ type: 'hello' }, { type: 'bye' }, { type: 'beat', k: 3, applied: 0 }] as const) {
      expect(readVerifierFrame(writeFrame(frame))).toEqual(frame)
      expect(readVerifierFrame(text({ ...frame, more: 1 }))).toEqual(frame)
    }
  })

  it('is none where it is broken, or of another kind', () => {
    for (const one of [...broken, '{"type":"keys"}', '{"type":"Hello"}', '{"type":"constructor"}'])
      expect(readVerifierFrame(one)).toBeUndefined()
    for (const count of counts) {
      expect(readVerifierFrame(text({ type: 'beat', k: count, applied: 1 }))).toBeDefined()
      expect(readVerifierFrame(text({ type: 'beat', k: 1, applied: count }))).toBeDefined()
    }
    for (const count of noCounts) {
      expect(readVerifierFrame(text({ type: 'beat', k: count, applied: 1 }))).toBeUndefined()
      expect(readVerifierFrame(text({ type: 'beat', k: 1, applied: count }))).toBeUndefined()
    }
  })
})

describe('a frame of a node', () => {
  it('is none where it is broken, and unknown where it is of a later version', () => {
    for (const one of broken) expect(readNodeFrame(one)).toBeUndefined()
    for (const type of ['hello', 'later', '']) expect(readNodeFrame(text({ type }))).toBe('unknown')
    expect(readNodeFrame('{"type":"bye","more":1}')).toEqual({ type: 'bye' })
  })

  it('says which keys verify, and leaves out what is no key', () => {
    const frame = { type: 'keys', issuer: 'annul', keys: [{ kid: 'a' }, { kid: 'b' }] } as const
    expect(readNodeFrame(writeFrame(frame))).toEqual(frame)
    expect(readNodeFrame(text({ ...frame, keys: [null, 'a', [], 7, { kid: 'a' }] }))).toEqual({
      ...frame,
      keys: [{ kid: 'a' }],
    })
    expect(readNodeFrame(text({ ...frame, keys: [] }))).toEqual({ ...frame, keys: [] })
    for (const change of [
      { issuer: 7 },
      { issuer: undefined },
      { keys: undefined },
      { keys: {} },
      { keys: 'a' },
    ])
      expect(readNodeFrame(text({ ...frame, ...change }))).toBeUndefined()
  })

  it('says that the load is whole, with a position', () => {
    for (const n of counts) expect(readNodeFrame(text({ type: 'loaded', n }))).toEqual({ type: 'loaded', n })
    for (const n of noCounts) expect(readNodeFrame(text({ type: 'loaded', n }))).toBeUndefined()
  })

  it('answers a beat, with an age and a time or without', () => {
    const beat = { type: 'beat', k: 1, lease: 5000 } as const
    expect(readNodeFrame(text(beat))).toEqual({ ...beat, age: undefined, time: undefined })
    for (const duration of durations) {
      const frame = { ...beat, age: duration, time: duration, lease: duration }
      expect(readNodeFrame(writeFrame(frame))).toEqual(frame)
    }
    // Without a number JSON has null, which is none either.
    for (const duration of noDurations)
      for (const name of ['age', 'time', 'lease'])
        expect(readNodeFrame(text({ ...beat, [name]: duration }))).toBeUndefined()
    expect(readNodeFrame(text({ ...beat, lease: undefined }))).toBeUndefined()
    for (const k of noCounts) expect(readNodeFrame(text({ ...beat, k }))).toBeUndefined()
  })
})

describe('entries', () => {
  const session = { kind: 'session', subject: 'a', reason: 'LOGGED_OUT', revokedAt: 5 }
  const user = { kind: 'user', subject: 'a', minVersion: 2, reason: 'USER_BLOCKED', revokedAt: 5 }
  const everyone = { kind: 'everyone', minVersion: 0, reason: 'EVERYTHING_REVOKED', revokedAt: 5 }
  const key = { kind: 'key', subject: 'k', reason: 'KEY_REVOKED', revokedAt: 5 }
  const read = (entries: unknown, n?: unknown) => readNodeFrame(text({ type: 'entries', entries, n }))

  it('are read as they were written, with a position or without', () => {
    const entries = [session, user, everyone, key]
    const whole = entries.map(entry => ({ subject: undefined, minVersion: undefined, ...entry }))
    expect(read(entries, 7)).toEqual({ type: 'entries', entries: whole, n: 7 })
    expect(read(entries)).toEqual({ type: 'entries', entries: whole })
    expect(Object.keys(read(entries) as object)).toEqual(['type', 'entries'])
    expect(read([], 0)).toEqual({ type: 'entries', entries: [], n: 0 })
    for (const n of noCounts) if (n !== undefined) expect(read(entries, n)).toBeUndefined()
    for (const other of [undefined, null, {}, 'a']) expect(read(other)).toBeUndefined()
  })

  it('are refused altogether where one of them can not be read: it might be the one that revokes', () => {
    for (const wrong of [
      ...[null, 'a', [], {}],
      ...[
        { ...user, kind: 'later' },
        { ...session, kind: ['session'] },
        { ...session, kind: undefined },
      ],
      ...[
        { ...session, subject: undefined },
        { ...session, subject: 7 },
        { ...key, subject: undefined },
      ],
      ...[
        { ...user, subject: undefined },
        { ...user, minVersion: undefined },
        { ...user, minVersion: -1 },
      ],
      ...[
        { ...everyone, minVersion: undefined },
        { ...everyone, minVersion: '1' },
      ],
      ...[
        { ...session, revokedAt: undefined },
        { ...session, revokedAt: '5' },
      ],
    ]) {
      expect([wrong, read([wrong])]).toEqual([wrong, undefined])
      expect(read([session, wrong, user], 1)).toBeUndefined()
    }
  })

  it('have a reason that is known here, whatever they say', () => {
    for (const [reason, known] of [
      ['LOGGED_OUT', 'LOGGED_OUT'],
      ['LATER', 'SESSION_REVOKED'],
      [undefined, 'SESSION_REVOKED'],
      [7, 'SESSION_REVOKED'],
    ])
      expect(read([{ ...session, reason }])).toMatchObject({ entries: [{ reason: known }] })
  })

  it('leave out a subject and a version that are none', () => {
    expect(read([{ ...everyone, subject: 7 }])).toMatchObject({ entries: [{ subject: undefined }] })
    expect(read([{ ...session, minVersion: -1 }])).toMatchObject({ entries: [{ minVersion: undefined }] })
    expect(read([{ ...session, minVersion: 3 }])).toMatchObject({ entries: [{ minVersion: 3 }] })
  })
})
