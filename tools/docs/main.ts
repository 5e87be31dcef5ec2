import { writeFileSync } from 'node:fs'
import { errorsPage } from './errorsPage.ts'
import { settingsPage } from './settingsPage.ts'

/* Writes the pages of docs/ that are made from tables in the code: `npm run generate`. */

writeFileSync('docs/settings.md', settingsPage())
writeFileSync('docs/errors.md', errorsPage())
