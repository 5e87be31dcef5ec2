import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/* Builds dist/ when it is missing or older than what it is made from. The published package has no sources. */

const built = 'dist/main.js'
const sources = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json']

function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(...readdirSync(path).map(name => newest(join(path, name))))
}

if (existsSync('src') && (!existsSync(built) || Math.max(...sources.map(newest)) > statSync(built).mtimeMs))
  execFileSync(process.execPath, [process.env.npm_execpath, 'run', '--silent', 'build'], { stdio: 'inherit' })
