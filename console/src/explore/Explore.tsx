import { texts } from '../texts/en.ts'

export default function Explore({ rest }: { rest: readonly string[] }) {
  return <h1 title={rest.join()}>{texts.app.explore}</h1>
}
