import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { ConfigError } from '../../src/config.ts'
import { loadSecret } from '../../src/tokens/secret.ts'
import { temporaryDirectory } from '../support/database.ts'

describe('the secret in the data directory', () => {
  it('is made once, of 32 random bytes', async () => {
    const dataDir = await temporaryDirectory()
    const made = await loadSecret({ secret: undefined, dataDir })
    expect(made).toHaveLength(32)
    expect(await loadSecret({ secret: undefined, dataDir })).toEqual(made)
    const elsewhere = await loadSecret({ secret: undefined, dataDir: await temporaryDirectory() })
    expect(elsewhere).not.toEqual(made)
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['31 bytes', randomBytes(31)],
    ['equal bytes', Buffer.alloc(32, 1)],
    ['a pattern of seven bytes', Buffer.alloc(70, 'abcdefg')],
  ])('is refused with %s in it, and left as it is', async (_, bytes) => {
    const dataDir = await temporaryDirectory()
    const file = join(dataDir, 'secret')
    await writeFile(file, bytes.toString('base64'))
    await expect(loadSecret({ secret: undefined, dataDir })).rejects.toEqual(
      new ConfigError([`${file} must hold at least 32 random bytes in base64.`]),
    )
  })
})
