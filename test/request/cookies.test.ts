import { describe, expect, it } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { AuthError } from '../../src/errors.ts'
import { CookieJar } from '../../src/request/cookies.ts'
import type { RequestLike } from '../../src/request/message.ts'

/* The cookies of one request, without a server. What a browser makes of them: sessions/refresh/cookies.test.ts. */

const page = 'https://app.example.com'
const ownHost = 'auth.example.com'

/** A request with these headers, and the cookies that its answer sets. */
function jarOf(headers: RequestLike['headers'], env: Record<string, string> = {}) {
  const answer: string[] = []
  const jar = new CookieJar(
    readConfig(env),
    { headers },
    {
      appendHeader(name, value) {
        expect(name).toBe('set-cookie')
        answer.push(value)
      },
    },
  )
  return { jar, answer }
}

const refreshTokenOf = (cookie: string | undefined) => jarOf({ cookie }).jar.refreshToken

describe('a cookie of a request', () => {
  it('is found by its whole name, wherever it stands', () => {
    for (const cookie of [
      '__Host-annul-refresh=value',
      'other=1; __Host-annul-refresh=value',
      '__Host-annul-refresh=value; other=1',
      'x__Host-annul-refresh=1; __Host-annul-refreshx=1; __Host-annul-refresh=value',
    ])
      expect(refreshTokenOf(cookie)).toBe('value')
    for (const cookie of [undefined, '', 'other=1', '__host-annul-refresh=value', 'x__Host-annul-refresh=1'])
      expect(refreshTokenOf(cookie)).toBeUndefined()
  })

  it('is without the spaces around its name and its value', () => {
    expect(refreshTokenOf('a=1;  __Host-annul-refresh = value ; b=1')).toBe('value')
  })

  it('holds everything after the first equals sign', () => {
    expect(refreshTokenOf('__Host-annul-refresh=a=b=')).toBe('a=b=')
  })

  it('is the first of several by one name, which the browser sends in order of their paths', () => {
    expect(refreshTokenOf('__Host-annul-refresh=first; __Host-annul-refresh=second')).toBe('first')
  })

  it('is none where the pair has no name or no value', () => {
    // A value without a name must not become a cookie by a name that was cut off the value.
    expect(refreshTokenOf('__Host-annul-refresh')).toBeUndefined()
    expect(refreshTokenOf('__Host-annul-refresh=')).toBe('')
    expect(refreshTokenOf('__Host-annul-refreshx')).toBeUndefined()
    expect(refreshTokenOf('=__Host-annul-refresh; =value')).toBeUndefined()
  })

  it('is read by three names: of the refresh token, of the fingerprint and of the device', () => {
    const { jar } = jarOf({
      cookie: '__Host-annul-refresh=a; __Host-annul-fingerprint=b; __Host-annul-device=c',
    })
    expect([jar.refreshToken, jar.fingerprint, jar.device]).toEqual(['a', 'b', 'c'])
  })

  it('is no fingerprint when it is empty: nothing is bound to it', () => {
    expect(jarOf({ cookie: '__Host-annul-fingerprint=' }).jar.fingerprint).toBeUndefined()
  })
})

describe('a cookie of an answer', () => {
  const attributes = (seconds: number) => `Max-Age=${seconds}; Path=/; Secure; SameSite=Strict`

  it('holds the refresh token out of reach of scripts, and beside it what a script needs', () => {
    const { jar, answer } = jarOf({})
    jar.setTokens({ refreshToken: 'token', session: { id: 'session', generation: 3 } as never })
    expect(answer).toEqual([
      `__Host-annul-refresh=token; ${attributes(180 * 86_400)}; HttpOnly`,
      `__Host-annul-session=session.3; ${attributes(180 * 86_400)}`,
    ])
  })

  it('corrects the generation alone', () => {
    const { jar, answer } = jarOf({})
    jar.correctSession({ sessionId: 'session', generation: 4 })
    expect(answer).toEqual([`__Host-annul-session=session.4; ${attributes(180 * 86_400)}`])
  })

  it('keeps the device for as long as browsers keep any cookie', () => {
    const { jar, answer } = jarOf({})
    jar.setDevice('token')
    expect(answer).toEqual([`__Host-annul-device=token; ${attributes(400 * 86_400)}; HttpOnly`])
  })

  it('clears both of the session at once', () => {
    const { jar, answer } = jarOf({})
    jar.clear()
    expect(answer).toEqual([
      `__Host-annul-refresh=; ${attributes(0)}; HttpOnly`,
      `__Host-annul-session=; ${attributes(0)}`,
    ])
  })

  it('keeps a fingerprint only where one was made for this answer: 256 random bits', () => {
    const { jar, answer } = jarOf({})
    jar.keepFingerprint()
    expect(answer).toEqual([])
    const made = jar.newFingerprint()
    expect(made).toMatch(/^[\w-]{43}$/)
    expect(Buffer.from(made, 'base64url')).toHaveLength(32)
    // The tokens of one answer are bound to one value.
    expect(jar.newFingerprint()).toBe(made)
    jar.keepFingerprint()
    expect(answer).toEqual([`__Host-annul-fingerprint=${made}; ${attributes(180 * 86_400)}; HttpOnly`])
    expect(jarOf({}).jar.newFingerprint()).not.toBe(made)
  })
})

describe('the page that sends a request', () => {
  type Verdict = 'allowed' | 'foreign' | 'no browser'
  const verdictOf = (headers: RequestLike['headers'], env: Record<string, string> = {}): Verdict => {
    const { jar } = jarOf({ host: ownHost, ...headers }, env)
    const refusal = refusalOf(() => jar.checkOrigin())
    expect(refusal).toBe(jar.isAllowed() ? undefined : 'ORIGIN_NOT_ALLOWED')
    if (jar.isAllowed()) {
      expect(jar.isForeign()).toBe(false)
      return 'allowed'
    }
    return jar.isForeign() ? 'foreign' : 'no browser'
  }

  it.each<[RequestLike['headers'], Verdict]>([
    [{}, 'no browser'],
    [{ 'sec-fetch-site': 'same-origin' }, 'allowed'],
    [{ 'sec-fetch-site': 'same-site' }, 'foreign'],
    [{ 'sec-fetch-site': 'none' }, 'foreign'],
    // A page that asks for no Referer sends its forms with "null", and so does a foreign page.
    [{ origin: 'null', 'sec-fetch-site': 'same-origin' }, 'allowed'],
    [{ origin: 'null', 'sec-fetch-site': 'cross-site' }, 'foreign'],
    [{ origin: 'null' }, 'foreign'],
    [{ origin: '' }, 'foreign'],
    [{ origin: '', 'sec-fetch-site': 'same-origin' }, 'foreign'],
    [{ origin: `https://${ownHost}` }, 'allowed'],
    [{ origin: `http://${ownHost}` }, 'allowed'],
    [{ origin: `http://${ownHost}:8080` }, 'foreign'],
    [{ origin: ownHost }, 'foreign'],
    [{ origin: page, 'sec-fetch-site': 'same-origin' }, 'foreign'],
  ])('with %j and no list is %s', (headers, verdict) => {
    expect(verdictOf(headers)).toBe(verdict)
  })

  it.each<[RequestLike['headers'], Verdict]>([
    [{}, 'no browser'],
    [{ 'sec-fetch-site': 'same-origin' }, 'allowed'],
    [{ origin: 'null', 'sec-fetch-site': 'same-origin' }, 'allowed'],
    [{ origin: 'null' }, 'foreign'],
    [{ origin: page }, 'allowed'],
    [{ origin: `https://${ownHost}` }, 'foreign'],
    [{ origin: `${page}:8443` }, 'foreign'],
    [{ origin: ownHost }, 'foreign'],
  ])('with %j and a list is %s', (headers, verdict) => {
    expect(verdictOf(headers, { ANNUL_ALLOWED_ORIGINS: page })).toBe(verdict)
  })
})

function refusalOf(check: () => void): string | undefined {
  try {
    check()
  } catch (error) {
    return error instanceof AuthError ? error.code : String(error)
  }
}
