import { texts } from '../texts/en.ts'

export default function Admin({ rest }: { rest: readonly string[] }) {
  return <h1 title={rest.join()}>{texts.app.admin}</h1>
}
