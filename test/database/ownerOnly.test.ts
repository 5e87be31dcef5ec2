import { spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { annul } from '../support/command.ts'

/* What lies in the data directory is the owner's alone, although the directory itself is open to everybody. */

const otherUser = { uid: 65534, gid: 65534 }
const isRoot = process.getuid?.() === 0
const onlyRoot = isRoot ? it : it.skip
const onPosix = process.platform === 'win32' ? describe.skip : describe

/** A directory that every user may enter: the run's own one is closed above it. */
let open: string
/** What a first start made in a directory that stood open before. */
let fresh: string
/** The same, but all of it was opened to everybody afterwards, and Annul was run again. */
let reopened: string

beforeAll(async () => {
  open = await mkdtemp(join(tmpdir(), 'annul-open-'))
  await chmod(open, 0o755)
  fresh = join(open, 'fresh')
  await mkdir(fresh)
  await chmod(fresh, 0o755)
  await migrate(fresh)

  reopened = join(open, 'reopened')
  await cp(fresh, reopened, { recursive: true })
  await chmod(reopened, 0o755)
  await chmod(join(reopened, 'database'), 0o777)
  await chmod(join(reopened, 'secret'), 0o666)
  await migrate(reopened)
})
afterAll(() => rm(open, { recursive: true, force: true }))

/** Opens the database and reads the secret: rotate-keys needs both. */
async function migrate(dataDir: string): Promise<void> {
  expect(await annul(['rotate-keys'], { ANNUL_DATA_DIR: dataDir })).toMatchObject({ status: 0, stderr: '' })
}

const modeOf = async (...path: string[]) => (await stat(join(...path))).mode & 0o777

/** What a user without any right of his own is told. */
function asOther(program: string, ...args: string[]) {
  const { status, stderr } = spawnSync(program, args, {
    ...otherUser,
    env: { LC_ALL: 'C' },
    encoding: 'utf8',
  })
  return { status, denied: stderr.includes('Permission denied') }
}

onPosix.each([
  ['made in an open directory', () => fresh],
  ['opened to everybody by somebody', () => reopened],
])('a data directory %s', (_, directory) => {
  it('holds its database in a folder of mode 0700, and the secret in a file of mode 0600', async () => {
    expect(await modeOf(directory(), 'database')).toBe(0o700)
    expect(await modeOf(directory(), 'secret')).toBe(0o600)
    // The directory itself is the operator's: its rights stay as they were.
    expect(await modeOf(directory())).toBe(0o755)
    for (const { name, parentPath } of await readdir(directory(), { withFileTypes: true }))
      expect([name, (await modeOf(parentPath, name)) & 0o077]).toEqual([name, 0])
  })

  onlyRoot('shows another user of the machine nothing of either', async () => {
    const shown = join(directory(), 'shown')
    await writeFile(shown, 'for everybody', { mode: 0o644 })
    // The path as such is open to that user.
    expect(asOther('cat', shown)).toEqual({ status: 0, denied: false })
    const denied = { status: expect.any(Number), denied: true }
    for (const file of ['secret', 'database/PG_VERSION', 'database/postgresql.conf'])
      expect([file, asOther('cat', join(directory(), file))]).toEqual([file, denied])
    for (const folder of ['database', 'database/base', 'database/pg_wal'])
      expect([folder, asOther('ls', join(directory(), folder))]).toEqual([folder, denied])
    await rm(shown)
  })
})
