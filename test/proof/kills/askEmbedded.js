import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'

/* Runs the statement of standard input on the embedded database of a data directory, and prints the first row. */

const [, , dataDir] = process.argv
const database = await PGlite.create(join(dataDir, 'database'))
const { rows } = await database.query(readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(rows[0]))
await database.close()
