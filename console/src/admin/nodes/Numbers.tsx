import { texts } from '../../texts/en.ts'

/** The numbers of a chart, for those who can not see it or want them exactly. */
export function Numbers({
  label,
  columns,
  rows,
}: {
  label: string
  columns: readonly [string, string]
  rows: readonly (readonly [string, number])[]
}) {
  return (
    <details>
      <summary>{texts.admin.log.numbers}</summary>
      <table className="numbers" aria-label={label}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, count]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{count}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
