import { refusals } from '../../src/graphql/bounds/limits.ts'
import { type CodeMeaning, codes, errorOf, inputReasons, reasons, requestCodes } from './errors.ts'

/** docs/errors.md. */
export function errorsPage(): string {
  return [
    head,
    ...Object.entries(codes).map(([code, meaning]) => codeSection(code, meaning)),
    section(
      'Reasons of UNAUTHENTICATED and INVALID_REFRESH_TOKEN',
      table(
        ['reason', 'recover', 'message', 'what happened', 'the client'],
        Object.entries(reasons).map(([reason, { meaning, client }]) => {
          const { message, details } = errorOf(reason as keyof typeof reasons)
          return [`\`${reason}\``, String(details.recover), message, meaning, client]
        }),
      ),
      'A reason that a client does not know is treated by its `recover`: a later version may have more.',
    ),
    section(
      'Reasons of BAD_USER_INPUT',
      table(
        ['reason', 'what is wrong'],
        Object.entries(inputReasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
      ),
    ),
    section(
      'Requests that are not carried out',
      table(
        ['code', 'HTTP', 'what is wrong'],
        Object.entries(requestCodes).map(([code, { status, meaning }]) => [`\`${code}\``, status, meaning]),
      ),
      `An operation that asks for too much is refused as a whole, with HTTP 400, and the code names the bound ([limits.md](limits.md)): ${bounds}.`,
    ),
    foot,
  ].join('\n\n')
}

const bounds = Object.values(refusals)
  .map(({ code }) => `\`${code}\``)
  .join(', ')

function codeSection(code: string, { example, meaning, client }: CodeMeaning): string {
  const { message, extensions } = example
  return section(code, meaning, `**The client.** ${client}`, jsonBlock({ message, extensions }))
}

function section(heading: string, ...blocks: readonly string[]): string {
  return [`## ${heading}`, ...blocks].join('\n\n')
}

function jsonBlock(value: unknown): string {
  return ['```json', JSON.stringify(value), '```'].join('\n')
}

function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(names), `|${names.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

const head = `# Errors

Each error has \`extensions\`: \`code\` says what happened, \`reason\` why, and \`recover\` what the client does next.
Programs decide by these; messages are for people, and may change.

| recover | what the client does |
|---|---|
| \`REFRESH\` | refreshes, and sends the request again with the new access token |
| \`LOGIN\` | forgets its tokens, and shows the login form |
| \`REAUTHENTICATE\` | asks for the password, sends \`reauthenticate\`, and repeats the request |
| \`RETRY\` | waits for \`retryAfter\` seconds, and repeats the request |

\`annul/client\` does this by itself; [client.md](client.md) says what is left to an app.

**HTTP.** The status is 200 wherever the answer has data. Without data it is 401 with \`WWW-Authenticate\` where every error is
UNAUTHENTICATED, 503 with \`Retry-After\` where every error is UNAVAILABLE, and 429 with \`Retry-After\` where every error is
TOO_MANY_REQUESTS. On a subgraph of a federation it is always 200 ([federation.md](federation.md)). A WebSocket that ends with
its token is closed with 4401 and the reason.`

const foot = `## OAuth

The routes \`/oauth/…\` answer as their RFCs say: \`{ "error": "invalid_client", "error_description": "…" }\`, with \`invalid_request\`,
\`invalid_client\` (401), \`insufficient_scope\` (403), \`unsupported_token_type\`, \`temporarily_unavailable\` (429, 503) or
\`server_error\`. A 503 or 429 says nothing about the token ([fleet.md](fleet.md#introspection)).

This page is written by \`npm run generate\`, from \`src/errors.ts\` and \`tools/docs/errors.ts\`.
`
