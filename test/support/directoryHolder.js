import { createInterface } from 'node:readline'
import { DirectoryInUseError, lockDirectory } from '../../dist/database/lockDirectory.js'

/* Takes and releases the lock of a directory (first argument) as the lines of its standard input say. */

let release = async () => {}
const commands = {
  async take() {
    try {
      release = await lockDirectory(process.argv[2])
      return 'held'
    } catch (error) {
      return error instanceof DirectoryInUseError ? 'refused' : String(error)
    }
  },
  async release() {
    await release()
    return 'released'
  },
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${await commands[line]()}\n`)
