import { countStatements } from '../support/statements.js'

export const title = 'SQL statements per request, counted by the database'

const times = 2000

/** Name, file in subjects/, its settings, field. */
const subjects = [
  ['unguarded', 'annul', {}, 'open'],
  ['guarded, by the view', 'annul', {}, 'me'],
  ['guarded, strict', 'annul', { ANNUL_REVOCATION: 'strict' }, 'me'],
]

export async function run(bench) {
  const rows = []
  for (const [name, subject, settings, field] of subjects)
    for (const { connections, statements, each } of await countStatements(bench, {
      subject,
      settings,
      field,
      times,
    }))
      rows.push({ name, connections, statements, each })
  const each = (name, connections) =>
    rows.find(row => row.name === name && row.connections === connections)?.each
  return {
    columns: [
      ['', row => row.name],
      ['connections', row => String(row.connections)],
      ['statements per request', row => row.each.toFixed(3)],
    ],
    rows,
    requests: times,
    goals: [
      { text: '0 for an unguarded field', reached: each('unguarded', 1) + each('unguarded', 32) === 0 },
      { text: '0 for a guarded one by the view', reached: each('guarded, by the view', 32) === 0 },
      { text: 'at most 1 for a guarded one, strict', reached: each('guarded, strict', 1) <= 1 },
      { text: 'fewer under load', reached: each('guarded, strict', 32) < 1 },
    ],
  }
}
