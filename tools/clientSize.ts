import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** What `annul/client` may weigh in an app, in bytes: minified and gzipped. */
export const clientBudget = 7000

/** @returns bytes of everything that `createSession` needs, bundled as an app would */
export async function clientSize(): Promise<{ minified: number; gzipped: number }> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/client/index.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  })
  const [{ contents } = { contents: new Uint8Array() }] = outputFiles
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length }
}
