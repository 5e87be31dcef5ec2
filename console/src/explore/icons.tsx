/** Icons of the panels, for GraphiQL's sidebar, which names them. */
export function PersonIcon() {
  return (
    <svg viewBox="0 0 16 16" width="1em" height="1em" fill="none" stroke="currentColor" aria-hidden="true">
      <circle cx="8" cy="5" r="3" strokeWidth="1.5" />
      <path d="M2 15c0-4 2.5-5.5 6-5.5s6 1.5 6 5.5" strokeWidth="1.5" />
    </svg>
  )
}

export function ListIcon() {
  return (
    <svg viewBox="0 0 16 16" width="1em" height="1em" fill="none" stroke="currentColor" aria-hidden="true">
      <path d="M6 3h9M6 8h9M6 13h9M1 3h2M1 8h2M1 13h2" strokeWidth="1.5" />
    </svg>
  )
}
