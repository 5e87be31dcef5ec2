import { texts } from '../../texts/en.ts'

export function StatusBadge({ status }: { status: string | null }) {
  if (status === null) return null
  return (
    <span className={`badge ${status === 'ACTIVE' ? 'good' : 'bad'}`}>
      {texts.admin.status[status] ?? status}
    </span>
  )
}
