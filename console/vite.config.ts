import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))
const outDir = join(here, '../dist/console')

/**
 * Builds the page into dist/console: index.html, and beside it `console/` with what the page loads. Addresses are relative,
 * so that the page works at `/`, at `/graphql` and under any path of another app.
 */
export default defineConfig({
  root: here,
  base: './',
  resolve: {
    alias: {
      'annul/client/react': join(here, '../src/client/react.ts'),
      'annul/client': join(here, '../src/client/index.ts'),
    },
  },
  oxc: { jsx: { runtime: 'automatic' } },
  worker: { format: 'es' },
  build: {
    outDir,
    emptyOutDir: true,
    assetsDir: 'console',
    // The policy of the page allows no inline script, and no data: in place of a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      // "use client" of packages says nothing to a page.
      onwarn(warning, warn) {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning)
      },
    },
  },
  plugins: [keepCompressedOnly()],
})

/** Every browser takes gzip, and the files are four times as large without. */
function keepCompressedOnly(): Plugin {
  return {
    name: 'keep-compressed-only',
    apply: 'build',
    closeBundle() {
      const folder = join(outDir, 'console')
      for (const name of readdirSync(folder)) {
        const file = join(folder, name)
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }))
        rmSync(file)
      }
    },
  }
}
