import { extname, join } from 'node:path'
import { serveFiles } from './serveFiles.ts'

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** Serves the files of a folder on a port of localhost; index.html at `/`. */
export function startFileServer(folder: string): ReturnType<typeof serveFiles> {
  return serveFiles(pathname => {
    const name = pathname === '/' ? '/index.html' : pathname
    const type = types[extname(name)]
    return type === undefined ? undefined : { path: join(folder, name), type }
  })
}
