/**
 * The library, loaded when the first passkey is asked for: with its parsers of certificates it would add a third of a
 * second to the start of a server, and of every command.
 */
export async function loadWebAuthn() {
  const [server, helpers] = await Promise.all([
    import('@simplewebauthn/server'),
    import('@simplewebauthn/server/helpers'),
  ])
  return { ...server, ...helpers }
}
