import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { GraphQLSchema } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { packageFolder } from '../packageFolder.ts'
import { contentSecurityPolicy } from './contentSecurityPolicy.ts'

/** Where the page and its endpoint are. */
export interface ConsolePlace {
  /** The GraphQL endpoint, relative to the page or absolute. */
  readonly endpoint: string
  /** Whether the endpoint takes subscriptions over WebSockets. */
  readonly subscriptions: boolean
  /** Where the page finds `console/`; default: beside the page. */
  readonly files?: string
}

/** An answer to GET. */
export interface ConsoleAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** The console: a page, and the files that it loads. Nothing of it depends on who asks. */
export interface Console {
  page(): ConsoleAnswer
  /** @param name what stands behind `console/` in the address. @returns undefined where there is no such file */
  file(name: string, acceptsGzip: boolean): Promise<ConsoleAnswer | undefined>
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  ttf: 'font/ttf',
  json: 'application/json',
}

/** Scripts, workers and requests of this host alone. Monaco makes styles of its own, so styles may stand in the page. */
const policy = contentSecurityPolicy({
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'worker-src': "'self'",
  'connect-src': "'self'",
})

const unzip = promisify(gunzip)

/**
 * Opens what `npm run build` has put into dist/console: index.html, and `console/` with files whose names change with
 * their content. They are kept compressed only.
 *
 * @param schema that the endpoint serves; undefined: the page does not tell what guards its fields
 * @returns undefined where the page was not built
 */
export function openConsole(
  { parts: { config }, guards: listGuards }: Pick<OpenedAuth, 'parts' | 'guards'>,
  schema: GraphQLSchema | undefined,
  { endpoint, subscriptions, files = './console/' }: ConsolePlace,
): Console | undefined {
  const folder = builtFolder()
  if (folder === undefined) return undefined
  const { siteName, passwordMinLength, introspection } = config
  // Whoever may not read the schema need not know what guards it either.
  const guards = introspection && schema ? listGuards(schema) : undefined
  // console/src/settings.ts reads it.
  const told = JSON.stringify({
    ...{ endpoint, siteName, subscriptions, passwordMinLength },
    factors: schema?.getQueryType()?.getFields().factors !== undefined,
    ...(guards && { guards: `${files}guards.json` }),
  })
  const html = readFileSync(join(folder, 'index.html'), 'utf8')
    .replaceAll('./console/', escaped(files))
    .replace('content="{}"', () => `content="${escaped(told)}"`)
  const page: ConsoleAnswer = {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      vary: 'accept',
    },
    body: html,
  }
  const names = new Set(readdirSync(join(folder, 'console')))
  const zipped = kept(name => readFile(join(folder, 'console', `${name}.gz`)))
  // Kept too: otherwise each request of a client without gzip would cost 24 ms of a thread and 3 MB.
  const plain = kept(async name => unzip(await zipped(name)))
  const listed = guards && Buffer.from(JSON.stringify(guards))
  return {
    page: () => page,
    async file(name, acceptsGzip) {
      if (listed && name === 'guards.json') return { headers: headersOf(name, 'no-store'), body: listed }
      // A name of the folder, so it leads nowhere else.
      if (!names.has(`${name}.gz`)) return undefined
      const headers = headersOf(name, 'public, max-age=31536000, immutable')
      return acceptsGzip
        ? { headers: { ...headers, 'content-encoding': 'gzip' }, body: await zipped(name) }
        : { headers, body: await plain(name) }
    },
  }
}

/** Loads each file once. One that could not be loaded is tried again. */
function kept(load: (name: string) => Promise<Buffer>): (name: string) => Promise<Buffer> {
  const loaded = new Map<string, Promise<Buffer>>()
  return name => {
    const found = loaded.get(name) ?? load(name)
    loaded.set(name, found)
    found.catch(() => loaded.delete(name))
    return found
  }
}

/** Whether a client takes gzip, by its header Accept-Encoding. */
export function takesGzip(accepted: string | string[] | null | undefined): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(String(accepted ?? ''))
}

/** Undefined where the page was not built, or where a bundle of an app has no copy of it. */
function builtFolder(): string | undefined {
  try {
    const folder = packageFolder('dist/console')
    return existsSync(join(folder, 'index.html')) ? folder : undefined
  } catch {
    return undefined
  }
}

function headersOf(name: string, cacheControl: string): Record<string, string> {
  return {
    'content-type': types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    'cache-control': cacheControl,
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    // A worker has a policy of its own.
    'content-security-policy': policy,
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
