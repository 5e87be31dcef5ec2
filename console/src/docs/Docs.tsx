import { texts } from '../texts/en.ts'

export default function Docs({ rest }: { rest: readonly string[] }) {
  return <h1 title={rest.join()}>{texts.app.docs}</h1>
}
