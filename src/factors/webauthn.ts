type WebAuthn = typeof import('@simplewebauthn/server') & typeof import('@simplewebauthn/server/helpers')

let loaded: Promise<WebAuthn> | undefined

/**
 * The library, loaded when the first passkey is asked for: with its parsers of certificates it would add a third of a
 * second to the start of a server, and of every command. Once, and one part after the other: requests may come together,
 * and a loader of modules that is asked twice at the same time need not link what both parts share.
 */
export function loadWebAuthn(): Promise<WebAuthn> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

async function load(): Promise<WebAuthn> {
  const server = await import('@simplewebauthn/server')
  return { ...server, ...(await import('@simplewebauthn/server/helpers')) }
}
