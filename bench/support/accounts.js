import { randomBytes } from 'node:crypto'

/* Accounts, made as an app would make them. */

const fields = 'accessToken refreshToken session { id } user { id }'

/** @returns {Promise<{ email, password, device, accessToken, refreshToken, session: { id }, user: { id } }[]>} */
export async function registerMany(url, count) {
  const accounts = []
  for (let first = 0; first < count; first += 16)
    accounts.push(
      ...(await Promise.all(Array.from({ length: Math.min(16, count - first) }, () => register(url)))),
    )
  return accounts
}

async function register(url) {
  const name = randomBytes(8).toString('hex')
  const input = { email: `${name}@example.com`, password: `correct horse battery ${name}` }
  const query = `mutation Register($input: RegisterInput!) { register(input: $input) { ${fields} } }`
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  })
  const { data, errors } = await response.json()
  if (errors) throw new Error(JSON.stringify(errors))
  return { ...input, device: response.headers.get('annul-device'), ...data.register }
}

/** The request of one login, for support/load.js: of the device that has registered, or of one that is not known. */
export function loginRequest({ email, password, device }) {
  const query = 'mutation Login($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }'
  return {
    body: JSON.stringify({ query, variables: { input: { email, password } } }),
    headers: device && { 'annul-device': device },
    expected: '{"data":{"login":{"accessToken":"',
  }
}
