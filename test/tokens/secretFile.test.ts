import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { ConfigError } from '../../src/config.ts'
import { deriveKey, deriveKeys, loadSecret, loadSecrets } from '../../src/tokens/secret.ts'
import { temporaryDirectory } from '../support/database.ts'

const secret = Buffer.alloc(32, 'a secret of 32 bytes in a test. ')
const other = Buffer.alloc(32, 'another secret of 32 bytes here.')
const onlyPosix = process.platform === 'win32' ? it.skip : it

describe('the file of the secret', () => {
  it('holds the secret in base64, in one line, and is left as it is', async () => {
    const dataDir = join(await temporaryDirectory(), 'a', 'b')
    const made = await loadSecret({ secret: undefined, dataDir })
    const text = await readFile(join(dataDir, 'secret'), 'utf8')
    expect(text).toBe(`${Buffer.from(made).toString('base64')}\n`)
    await loadSecret({ secret: undefined, dataDir })
    expect(await readFile(join(dataDir, 'secret'), 'utf8')).toBe(text)
  })

  onlyPosix('and its new folder are their owner’s alone, and a file that was open is closed', async () => {
    const dataDir = join(await temporaryDirectory(), 'data')
    const modes = async () => {
      await loadSecret({ secret: undefined, dataDir })
      const found = await Promise.all([dataDir, join(dataDir, 'secret')].map(path => stat(path)))
      return found.map(({ mode }) => (mode & 0o777).toString(8))
    }
    expect(await modes()).toEqual(['700', '600'])
    await writeFile(join(dataDir, 'secret'), secret.toString('base64'))
    const { chmod } = await import('node:fs/promises')
    await chmod(join(dataDir, 'secret'), 0o644)
    expect(await modes()).toEqual(['700', '600'])
  })

  it('is neither made nor read where the settings have the secret', async () => {
    const dataDir = await temporaryDirectory()
    expect(await loadSecret({ secret, dataDir })).toBe(secret)
    await expect(stat(join(dataDir, 'secret'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('that can not be made is told by the system’s own error', async () => {
    const dataDir = await temporaryDirectory()
    await writeFile(join(dataDir, 'file'), '')
    await expect(loadSecret({ secret: undefined, dataDir: join(dataDir, 'file') })).rejects.toMatchObject({
      code: 'EEXIST',
    })
    await mkdir(join(dataDir, 'secret'))
    await expect(loadSecret({ secret: undefined, dataDir })).rejects.toMatchObject({ code: 'EISDIR' })
  })
})

describe('the previous secret', () => {
  it('stands beside the present one', async () => {
    const dataDir = await temporaryDirectory()
    expect(await loadSecrets({ secret, secretPrevious: other, dataDir })).toEqual({ secret, previous: other })
    expect(await loadSecrets({ secret, secretPrevious: undefined, dataDir })).toEqual({
      secret,
      previous: undefined,
    })
  })

  it('is refused where it is the present one', async () => {
    const dataDir = await temporaryDirectory()
    const same = Buffer.from(secret)
    await expect(loadSecrets({ secret, secretPrevious: same, dataDir })).rejects.toEqual(
      new ConfigError(['ANNUL_SECRET_PREVIOUS must be another secret than the present one.']),
    )
  })
})

describe('the key of a purpose', () => {
  it('stays the same: an update still reads what is stored', () => {
    expect(deriveKey(secret, 'refresh tokens v1').toString('hex')).toBe(
      '98321b19a9fca56a9ce34bb48e5204b6f278163c0e99b7c66c19ad98d6faa734',
    )
  })

  it('is another one for each purpose and each secret, and tells nothing of the secret', () => {
    const keys = [deriveKey(secret, 'a'), deriveKey(secret, 'b'), deriveKey(other, 'a')]
    expect(new Set(keys.map(key => key.toString('hex'))).size).toBe(3)
    for (const key of keys) {
      expect(key).toHaveLength(32)
      expect([secret, other]).not.toContainEqual(key)
    }
  })

  it('is that of the present secret first', () => {
    expect(deriveKeys(secret, undefined, 'a')).toEqual([deriveKey(secret, 'a')])
    expect(deriveKeys(secret, other, 'a')).toEqual([deriveKey(secret, 'a'), deriveKey(other, 'a')])
  })
})
