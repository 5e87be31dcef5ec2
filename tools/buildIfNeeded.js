import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/* Builds dist/ when it is missing or older than what it is made from. The published package has no sources. */

const built = ['dist/main.js', 'dist/console/index.html']
const sources = ['src', 'console', 'docs', 'package.json', 'tsconfig.json', 'tsconfig.build.json']

function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(...readdirSync(path).map(name => newest(join(path, name))))
}

const isOld = () => Math.max(...sources.map(newest)) > Math.min(...built.map(path => statSync(path).mtimeMs))

if (existsSync('src') && (!built.every(path => existsSync(path)) || isOld()))
  execFileSync(process.execPath, [process.env.npm_execpath, 'run', '--silent', 'build'], { stdio: 'inherit' })
