import { texts } from '../texts/en.ts'

export default function Account({ rest }: { rest: readonly string[] }) {
  return <h1 title={rest.join()}>{texts.app.account}</h1>
}
