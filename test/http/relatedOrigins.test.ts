import { describe, expect, it } from '@jest/globals'
import { useServer } from '../support/server.ts'

const path = '/.well-known/webauthn'

describe('The origins beside the own one that may use the passkeys', () => {
  const alone = useServer({ env: { ANNUL_PUBLIC_URL: 'https://auth.example.com' } })
  const related = useServer({
    env: {
      ANNUL_PUBLIC_URL: 'https://auth.example.com/base',
      ANNUL_ALLOWED_ORIGINS: [
        ...['https://auth.example.com', 'https://app.auth.example.com', 'https://example.com'],
        ...[
          'https://app.example.org:8443',
          'http://intranet.example',
          'https://auth.example.com.evil.example',
        ],
      ].join(),
    },
  })

  it('are listed for browsers, where their host is not below the RP ID (WebAuthn Level 3, 5.11)', async () => {
    const answer = await fetch(related.url + path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(answer.headers.get('cache-control')).toBe('public, max-age=30')
    expect(await answer.json()).toEqual({
      origins: [
        'https://example.com',
        'https://app.example.org:8443',
        'https://auth.example.com.evil.example',
      ],
    })
  })

  it('have no list where there are none', async () => {
    expect((await fetch(alone.url + path)).status).toBe(404)
  })
})
