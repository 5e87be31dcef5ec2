import { inChildSpan } from '../tracing.ts'

/** Runs a statement in a span with its kind and its table. Its text and its values stay out. */
export function traceStatement<T>(text: string, run: () => Promise<T>): Promise<T> {
  return inChildSpan(() => {
    const [, kind = 'statement'] = /^\W*(\w{1,20})/.exec(text.toLowerCase()) ?? []
    const [, table] = /"?annul"?\."?(\w{1,63})/.exec(text) ?? []
    return [
      table === undefined ? kind : `${kind} ${table}`,
      {
        'db.system.name': 'postgresql',
        'db.operation.name': kind,
        ...(table !== undefined && { 'db.collection.name': table }),
      },
    ]
  }, run)
}
