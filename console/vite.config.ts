import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { compressed } from './build/compressed.ts'
import { markdownPages } from './build/markdownPages.ts'

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
      'annul/client/passkeys': join(here, '../src/client/passkeys.ts'),
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
  plugins: [markdownPages(), compressed(join(outDir, 'console'))],
})
