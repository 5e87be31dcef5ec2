import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryDirectory } from '../support/database.ts'
import { type DirectoryHolder, startHolder } from '../support/directoryHolder.ts'

describe('a directory for one process', () => {
  it('is held by one of many that want it at the same moment, again and again', async () => {
    const dir = await temporaryDirectory()
    let holders = Array.from({ length: 6 }, () => startHolder(dir))
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(holders.map(holder => holder.take()))
      expect([...answers].sort()).toEqual(['held', ...Array(5).fill('refused')])
      const [winner] = holders.filter((_, index) => answers[index] === 'held')
      // One in four is killed, so that what it leaves behind looks as after a crash.
      if (round % 4 > 0) expect(await winner?.release()).toBe('released')
      else {
        await winner?.kill()
        holders = [...holders.filter(holder => holder !== winner), startHolder(dir)]
      }
    }
    await Promise.all(holders.map(holder => holder.kill()))
  })

  it('can be taken at once when its owner was killed, and not while the owner is only stopped', async () => {
    const dir = await temporaryDirectory()
    const [owner, newcomer] = await two(dir)
    owner.signal('SIGSTOP')
    expect(await newcomer.take()).toBe('refused')
    owner.signal('SIGCONT')
    expect(await newcomer.take()).toBe('refused')
    await owner.kill()
    expect(await newcomer.take()).toBe('held')
    await newcomer.kill()
  })

  it('stays held when temporary files are cleaned away, or look different to another process', async () => {
    const dir = await temporaryDirectory()
    const [mine, theirs] = [await temporaryDirectory(), await temporaryDirectory()]
    const owner = startHolder(dir, { TMPDIR: mine })
    expect(await owner.take()).toBe('held')
    for (const name of readdirSync(mine)) rmSync(join(mine, name))
    const newcomer = startHolder(dir, { TMPDIR: theirs })
    expect(await newcomer.take()).toBe('refused')
    await Promise.all([owner.kill(), newcomer.kill()])
  })

  it('may have a path longer than a socket may have', async () => {
    const dir = join(await temporaryDirectory(), 'long'.repeat(40))
    await mkdir(dir)
    const [owner, newcomer] = await two(dir)
    expect(await newcomer.take()).toBe('refused')
    await owner.release()
    expect(await newcomer.take()).toBe('held')
    await Promise.all([owner.kill(), newcomer.kill()])
  })

  it('is not held by what a crash of the machine has left of a lock', async () => {
    for (const content of ['', 'owner-nobody', '/nowhere/at/all', '\0\0\0\0']) {
      const dir = await temporaryDirectory()
      writeFileSync(join(dir, 'lock.7'), content)
      const holder = startHolder(dir)
      expect([content, await holder.take()]).toEqual([content, 'held'])
      await holder.kill()
    }
  })

  it('is given back with nothing in it but the number of its last owner', async () => {
    const dir = await temporaryDirectory()
    const [owner, newcomer] = await two(dir)
    expect(await newcomer.take()).toBe('refused')
    expect(await owner.release()).toBe('released')
    expect(await newcomer.take()).toBe('held')
    expect(await newcomer.release()).toBe('released')
    expect(readdirSync(dir)).toEqual(['lock.2'])
    await Promise.all([owner.kill(), newcomer.kill()])
  })
})

/** One that holds it, and one that wants it. */
async function two(dir: string): Promise<[DirectoryHolder, DirectoryHolder]> {
  const holders: [DirectoryHolder, DirectoryHolder] = [startHolder(dir), startHolder(dir)]
  expect(await holders[0].take()).toBe('held')
  return holders
}
