import { fileURLToPath } from 'node:url'
import { serveFiles } from './serveFiles.ts'

/** Serves the page, and the built client beside it, on another port than the API: as an app would be served. */
export function startPageServer(): ReturnType<typeof serveFiles> {
  const root = new URL('../../../dist/', import.meta.url)
  const page = new URL('page.html', import.meta.url)
  return serveFiles(pathname => {
    const isScript = /^\/(client\/(\w+\/)?)?\w+\.js$/.test(pathname)
    const file = isScript ? new URL(`.${pathname}`, root) : page
    return { path: fileURLToPath(file), type: isScript ? 'text/javascript' : 'text/html' }
  })
}
