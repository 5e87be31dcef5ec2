import { describe, expect, test } from '@jest/globals'
import { locate } from '../../src/client/platform/origin.ts'
import { backoff } from '../../src/client/platform/time.ts'
import { describe as describeOperation, mayRepeat } from '../../src/client/requests/operation.ts'

const refused = (...path: (string | number)[]) => ({
  ...(path.length ? { path } : {}),
  extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' },
})

describe('what a request asks for', () => {
  test.each([
    ['{ me { id } }', { kind: 'read' }],
    ['query Mutation { me { id } }', { kind: 'read' }],
    ['subscription { news }', { kind: 'read' }],
    ['mutation { a: rename(to: "x") { id } }', { kind: 'write', first: 'a' }],
    ['mutation Rename($to: String!) @tag {\n  rename(to: $to) { id }\n}', { kind: 'write', first: 'rename' }],
    ['query Q { me { id } } mutation M { rename }', { kind: 'write', first: undefined }],
    ['mutation A { a } mutation B { b a }', { kind: 'write', first: undefined }],
    ['mutation { ...Fields } fragment Fields on Mutation { rename }', { kind: 'write', first: undefined }],
    // Taken for a mutation by a word: then it is only not repeated.
    ['{ a mutation b }', { kind: 'write' }],
  ])('%s', (query, expected) => {
    expect(describeOperation(JSON.stringify({ query }))).toMatchObject(expected)
  })

  test.each([
    ['no JSON', 'what=ever'],
    ['a persisted operation', JSON.stringify({ extensions: { persistedQuery: {} } })],
    ['nothing', ''],
  ])('cannot be seen in %s', (_name, body) => {
    expect(describeOperation(body).kind).toBe('other')
  })

  test('is a mutation when one of a batch is', () => {
    const batch = [{ query: '{ me { id } }' }, { query: 'mutation { rename }' }]
    expect(describeOperation(JSON.stringify(batch))).toMatchObject({ kind: 'write', first: undefined })
  })
})

describe('a refused request', () => {
  const write = { kind: 'write', first: 'a', fields: '' } as const
  test.each([
    [
      'a query, whatever it brought',
      { kind: 'read', fields: '' } as const,
      { data: { a: 1 }, errors: [refused('b')] },
      true,
    ],
    ['a mutation refused before it began', write, { errors: [refused()] }, true],
    [
      'a mutation whose first field was refused, which leaves no data',
      write,
      { data: null, errors: [refused('a')] },
      true,
    ],
    [
      'a mutation whose second field was refused, which leaves no data',
      write,
      { data: null, errors: [refused('b')] },
      false,
    ],
    [
      'a mutation refused in all its fields',
      write,
      { data: { a: null, b: null }, errors: [refused('a'), refused('b')] },
      true,
    ],
    ['a mutation that did something', write, { data: { a: 1, b: null }, errors: [refused('b')] }, false],
    [
      'a mutation whose other field may have answered null',
      write,
      { data: { a: null, b: null }, errors: [refused('a')] },
      false,
    ],
    [
      'a mutation refused inside what it returned',
      write,
      { data: { a: null }, errors: [refused('a', 'secret')] },
      false,
    ],
    [
      'a persisted operation without data',
      { kind: 'other', fields: '' } as const,
      { data: null, errors: [refused('x')] },
      true,
    ],
    [
      'a persisted operation without data, of which a field may have run before the one that wants a proof',
      { kind: 'other', fields: '' } as const,
      {
        data: null,
        errors: [{ path: ['x'], extensions: { code: 'REAUTHENTICATION_REQUIRED', mfa: true } }],
      },
      false,
    ],
    [
      'one of two mutations in a document, of which it is not known which one was meant',
      { kind: 'write', first: undefined, fields: '' } as const,
      {
        data: null,
        errors: [{ path: ['x'], extensions: { code: 'REAUTHENTICATION_REQUIRED', mfa: true } }],
      },
      false,
    ],
    [
      'a persisted operation with data',
      { kind: 'other', fields: '' } as const,
      { data: { y: 1, x: null }, errors: [refused('x')] },
      false,
    ],
  ])('%s', (_name, sent, result, expected) => {
    expect(mayRepeat([result], sent)).toBe(expected)
  })
})

describe('where a request goes', () => {
  const original = globalThis.URL
  class WithoutOrigin extends original {
    constructor(url: string, base?: string) {
      super(url, base)
      Object.defineProperty(this, 'origin', {
        get() {
          throw new Error('URL.origin is not implemented')
        },
      })
    }
  }
  const cases: [string, string | undefined][] = [
    ['https://api.example.com/graphql?x=1#y', 'https://api.example.com'],
    ['HTTPS://API.example.com', 'https://api.example.com'],
    ['http://localhost:4000/graphql', 'http://localhost:4000'],
  ]
  test.each(cases)('%s', (url, origin) => expect(locate(url).origin).toBe(origin))

  test.each([
    ...cases,
    ['https://api.example.com@evil.example/graphql', undefined] as const,
    ['https://api.example.com\\@evil.example/graphql', undefined] as const,
    ['https://api.example.com\n.evil.example/graphql', undefined] as const,
    [' https://api.example.com/graphql', undefined] as const,
    ['/graphql', undefined] as const,
  ])('%s, on a React Native whose URL has no origin', (url, origin) => {
    globalThis.URL = WithoutOrigin as typeof URL
    try {
      expect(locate(url).origin).toBe(origin)
    } finally {
      globalThis.URL = original
    }
  })

  test('knows the endpoint whatever query it has', () => {
    expect(locate('https://a.example/graphql?query={me}').address).toBe(
      locate('https://a.example:443/graphql').address,
    )
  })
})

describe('pauses', () => {
  test('double up to eight seconds, differ, and are never shorter than the server asks', () => {
    for (let tries = 0; tries < 20; tries++) {
      const most = Math.min(8000, 250 * 2 ** tries)
      const pauses = Array.from({ length: 50 }, () => backoff(tries))
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(most / 2)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(most)
      expect(new Set(pauses).size).toBeGreaterThan(1)
    }
    expect(backoff(0, 30)).toBeGreaterThanOrEqual(30_000)
  })
})
