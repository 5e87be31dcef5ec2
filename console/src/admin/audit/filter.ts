/** Which events are listed. */
export interface Filter {
  readonly userId: string | undefined
  readonly kind: string | undefined
}

/** Reads `user/ID/kind/KIND`, the part of the place behind `#/admin/audit/`. */
export function readFilter(rest: readonly string[]): Filter {
  const after = (name: string) => {
    const at = rest.indexOf(name)
    return at % 2 === 0 ? rest[at + 1] || undefined : undefined
  }
  return { userId: after('user'), kind: after('kind') }
}

/** The place that shows these events. */
export function placeOf({ userId, kind }: Filter): string {
  const parts = [userId && ['user', userId], kind && ['kind', kind]].flatMap(part => part || [])
  // A slash would begin another part, and no id or kind has one.
  return ['/admin/audit', ...parts.map(part => encodeURI(part.replaceAll('/', '')))].join('/')
}
